"""What students take cells of debugging.py for."""

# %% column-against-column instead="one-column"
print(
    F.binary_cross_entropy_with_logits(
        torch.zeros(4, 1), torch.ones(4, 1)
    )
)

# %% why-like-zeros below="zero-input"
# Why is the loss the same for images and for zeros after two divisions?
# first-loss: The images have become so small that the network answers
#   as it would for zeros.
# healthy: This network cannot tell the ten kinds of stripes apart.
# zero-input: A loss of 2.31 is as good as it gets for ten classes.

# %% why-leaky-learns below="dead-relu"
# Why does LeakyReLU learn with a bias of -4, while ReLU does not?
# dead-relu: It has a slope below zero, so a gradient comes through and
#   brings the units back.
# dead-relu: None of its units is exactly zero, and that is enough.
