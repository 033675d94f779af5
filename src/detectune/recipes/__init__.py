"""How to fine-tune a model of the zoo on one's own data: what `detectune config new` knows."""
