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
print("z > x:", (z > x).requires_grad)

# %% comparison-as-a-difference instead="x-y-z"
x, y = torch.rand(3, 3), torch.rand(3, 3)
z = torch.rand(3, 3, requires_grad=True)
print("x + y:", (x + y).requires_grad)
print("x + z:", (x + z).requires_grad)
print("z > x:", (z - x).requires_grad)

# %% no-momentum instead="none-or-zero"
w = torch.tensor(3.0, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.01)
(w**2).backward()
optimizer.step()
for set_to_none in (False, True):
    before = w.item()
    # True is the default.
    optimizer.zero_grad(set_to_none=set_to_none)
    optimizer.step()
    print(f"gradient {w.grad}: moved by {w.item() - before:.3f}")

# %% none-of-them instead="none-or-zero"
w = torch.tensor(3.0, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.01, momentum=0.9)
(w**2).backward()
optimizer.step()
for set_to_none in (True, True):
    before = w.item()
    # True is the default.
    optimizer.zero_grad(set_to_none=set_to_none)
    optimizer.step()
    print(f"gradient {w.grad}: moved by {w.item() - before:.3f}")

# %% why-before-backward below="where-to-zero"
# Why may `zero_grad()` stand before or after the forward pass?
# where-to-zero: Only `backward()` writes into `.grad`, so it has to be
#   empty by then, and no earlier.
# adds-up: It does not matter where it stands, because `backward()`
#   replaces the old gradients.
# none-or-zero: It does not matter where it stands, because `step()`
#   empties `.grad` when it has used it.

# %% why-not-reached below="who-is-reached"
# Why do the first two layers get a gradient when layer 3 is frozen, but
#   not when it runs under `no_grad()`?
# what-is-a-grad-fn: Under `no_grad()` nothing is recorded, and
#   `backward()` cannot go on where the graph ends.
# frozen: What a frozen layer computes is not recorded, but `backward()`
#   jumps over it.
# grad-modes: After `no_grad()`, nothing that is computed from its
#   result can have a gradient.

# %% why-another-answer below="eval-holds"
# Why is the answer another one, although nothing was trained in
#   between?
# statistics-move: The pass in train mode has moved the running
#   statistics of the batch norms.
# classifier.py::eval-mode: In eval mode, too, dropout leaves out other
#   values at each call.
# only-fc-moves: A forward pass changes the weights a little.
