"""What students take cells of tensors.py for."""

# %% trap-element-by-element instead="broadcast-trap"
predictions = torch.tensor([[1.0], [2.0], [3.0]])
targets = torch.tensor([[1.0], [2.0], [3.0]])
print((predictions - targets).shape)
print((predictions.squeeze(1) - targets.squeeze(1)).shape)

# %% trap-without-broadcasting instead="broadcast-trap" error="RuntimeError"
predictions = torch.tensor([[1.0], [2.0], [3.0]])
targets = torch.tensor([1.0, 2.0])
print((predictions.squeeze(1) - targets).shape)

# %% names-of-copies instead="in-place"
counts = torch.zeros(3)
same = counts.clone()
counts.add_(1)
counts += 1
print(same)  # both changes reached it
counts = counts + 1  # a new tensor under the old name
print(same, counts)

# %% always-in-place instead="in-place"
counts = torch.zeros(3)
same = counts
counts.add_(1)
counts += 1
print(same)  # both changes reached it
counts += 1
print(same, counts)

# %% numpy-copied instead="shared-or-rebound"
n = np.ones(3)
t = torch.tensor(n)
n += 1  # writes into the shared memory
print(t)
n = n + 1  # makes a new array; t keeps the old one
print(t, n)

# %% numpy-never-rebound instead="shared-or-rebound"
n = np.ones(3)
t = torch.from_numpy(n)
n += 1  # writes into the shared memory
print(t)
n += 1
print(t, n)
