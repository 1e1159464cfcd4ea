"""What students take cells of classifier.py for."""

# %% scaled-when-tested instead="eval-mode"
torch.manual_seed(0)
dropout = nn.Dropout(p=0.5)
print("train():", dropout.train()(torch.ones(8)) * 0.5)
print("eval(): ", dropout.eval()(torch.ones(8)) * 0.5)

# %% always-drops instead="eval-mode"
torch.manual_seed(0)
dropout = nn.Dropout(p=0.5)
print("train():", dropout.train()(torch.ones(8)))
print("eval(): ", dropout.train()(torch.ones(8)))

# %% why-not-zero below="softmax-first"
# Why is the loss of perfect predictions 1.461 if softmax comes first?
# cross-entropy: The loss takes a softmax itself, and in that of numbers
#   from 0 to 1 no class can have nearly all the probability.
# softmax-first: Some of the predictions are wrong.
# debugging.py::one-batch: Softmax makes another class the largest.
