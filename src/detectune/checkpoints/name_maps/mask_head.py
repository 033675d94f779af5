def mask_head_layers(head):
    yield from ()
