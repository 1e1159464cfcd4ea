"""What students take cells of autograd.py for."""

# %% gradients-replaced instead="adds-up"
w = torch.tensor(3.0, requires_grad=True)
for _ in range(2):
    w.grad = None
    (w**2).backward()
    print(w.grad)
w.grad = None
(w**2).backward()
print(w.grad)

# %% gradients-never-forgotten instead="adds-up"
w = torch.tensor(3.0, requires_grad=True)
for _ in range(2):
    (w**2).backward()
    print(w.grad)
(w**2).backward()
print(w.grad)

# %% all-must-require instead="x-y-z"
x, y = torch.rand(3, 3), torch.rand(3, 3)
z = torch.rand(3, 3)
print("x + y:", (x + y).requires_grad)
print("x + z:", (x + z).requires_grad)
print("z > x:", (z > x).requires_grad)  # a Boolean has no derivative

# %% comparison-as-a-difference instead="x-y-z"
x, y = torch.rand(3, 3), torch.rand(3, 3)
z = torch.rand(3, 3, requires_grad=True)
print("x + y:", (x + y).requires_grad)
print("x + z:", (x + z).requires_grad)
print("z > x:", (z - x).requires_grad)
