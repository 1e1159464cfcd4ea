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
print(same)
counts = counts + 1
print(same, counts)

# %% always-in-place instead="in-place"
counts = torch.zeros(3)
same = counts
counts.add_(1)
counts += 1
print(same)
counts += 1
print(same, counts)

# %% numpy-copied instead="shared-or-rebound"
n = np.ones(3)
t = torch.tensor(n)
n += 1
print(t)
n = n + 1
print(t, n)

# %% numpy-never-rebound instead="shared-or-rebound"
n = np.ones(3)
t = torch.from_numpy(n)
n += 1
print(t)
n += 1
print(t, n)

# %% slice-copied instead="view-or-copy"
original = torch.arange(5)
part = original[1:3].clone()
picked = original[[1, 2]]
cloned = original[1:3].clone()
part[0] = 100
print(original)
print(picked, cloned)

# %% list-shared instead="view-or-copy"
original = torch.arange(5)
part = original[1:3]
picked = original[1:3]
cloned = original[1:3].clone()
part[0] = 100
print(original)
print(picked, cloned)

# %% dimensions-exchanged instead="cat-and-stack"
ones, fives = torch.full((2, 3), 1), torch.full((2, 3), 5)
tall = torch.cat([ones, fives], dim=1)
wide = torch.cat([ones, fives], dim=0)
layers = torch.stack([ones, fives], dim=0)
print(tall.shape, wide.shape, layers.shape)

# %% stacked-as-cat instead="cat-and-stack"
ones, fives = torch.full((2, 3), 1), torch.full((2, 3), 5)
tall = torch.cat([ones, fives], dim=0)
wide = torch.cat([ones, fives], dim=1)
layers = torch.cat([ones, fives], dim=0)
print(tall.shape, wide.shape, layers.shape)

# %% numpy-as-list instead="from-numpy"
array = np.array([[1.5, 2.5], [3.5, 4.5]])
print(torch.from_numpy(array).dtype)
print(torch.tensor(array.tolist()).dtype)
print(torch.tensor(array, dtype=torch.float32).dtype)

# %% numpy-of-32-bits instead="from-numpy"
array = np.array([[1.5, 2.5], [3.5, 4.5]], dtype=np.float32)
print(torch.from_numpy(array).dtype)
print(torch.tensor(array).dtype)
print(torch.tensor(array, dtype=torch.float32).dtype)

# %% best-of-columns instead="argmax"
print(scores.argmax(dim=0))
best = scores.max(dim=0)
print(best.values, best.indices)
print(scores.argmax())

# %% largest-value instead="argmax"
print(scores.argmax(dim=1))
best = scores.max(dim=1)
print(best.values, best.indices)
print(scores.max())
