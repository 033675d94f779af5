"""What a network consists of: stages, layers, shapes, costs, what trains, and a drawing of it."""
