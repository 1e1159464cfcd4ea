"""Why some things in the program of project.py are as they are."""

# %% why-only-one-digit below="forgotten"
# Why does the training go on without an error if the states of the
#   random numbers are missing in the checkpoint?
# train-and-evaluate: Any order of the images and any dropout is a valid
#   training; it is only another one.
# the-same: The weights would be the same, as they do not depend on
#   random numbers.
# checkpoint: `load_state_dict` restores them with the optimizer.
