"""What students take cells of session.py for."""

# %% class-called instead="from-data"
data = [[1, 2], [3, 4]]
print(torch.Tensor(data))
print("dtype of whole numbers:", torch.Tensor(data).dtype)
print("dtype of decimals:     ", torch.Tensor([[1.0, 2.0]]).dtype)

# %% as-numpy-has-it instead="from-data"
data = [[1, 2], [3, 4]]
print(torch.tensor(data))
print("dtype of whole numbers:", torch.tensor(data).dtype)
print(
    "dtype of decimals:     ",
    torch.tensor(np.array([[1.0, 2.0]])).dtype,
)

# %% dimensions-exchanged instead="cat"
wide = torch.cat([tensor, tensor, tensor], dim=0)
long = torch.cat([tensor, tensor, tensor], dim=1)
print("along dim 1:", tuple(wide.shape))
print("along dim 0:", tuple(long.shape))

# %% stacked instead="cat"
wide = torch.stack([tensor, tensor, tensor], dim=1)
long = torch.stack([tensor, tensor, tensor], dim=0)
print("along dim 1:", tuple(wide.shape))
print("along dim 0:", tuple(long.shape))

# %% matrix-product-meant instead="elementwise"
a = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
b = torch.tensor([[10.0, 20.0], [30.0, 40.0]])
print(a @ b)
print("the same:", torch.equal(a @ b, a.matmul(b)))

# %% one-of-them-a-product instead="elementwise"
a = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
b = torch.tensor([[10.0, 20.0], [30.0, 40.0]])
print(a * b)
print("the same:", torch.equal(a * b, a.matmul(b)))

# %% numpy-has-a-copy instead="to-numpy-shared"
array = ones.numpy().copy()
ones += 1  # in place
print("tensor:", ones)
print("array: ", array)

# %% array-added-too instead="to-numpy-shared"
ones += 1  # in place
array += 1
print("tensor:", ones)
print("array: ", array)

# %% all-must-require instead="requires-grad"
x = torch.rand(5, 5)
y = torch.rand(5, 5)
z = torch.rand(5, 5)
print("x + y:", (x + y).requires_grad)
print("x + z:", (x + z).requires_grad)

# %% by-default instead="requires-grad"
x = torch.rand(5, 5, requires_grad=True)
y = torch.rand(5, 5, requires_grad=True)
z = torch.rand(5, 5, requires_grad=True)
print("x + y:", (x + y).requires_grad)
print("x + z:", (x + z).requires_grad)

# %% z-changed-for-good instead="no-grad"
z.requires_grad_(False)
doubled = 2 * z
print("inside: ", doubled.requires_grad)
print("outside:", (2 * z).requires_grad)

# %% asked-of-z instead="no-grad"
with torch.no_grad():
    doubled = z
print("inside: ", doubled.requires_grad)
print("outside:", (2 * z).requires_grad)

# %% replaced instead="zero-grad"
net.zero_grad()
net(image).backward(torch.ones(1, 10))
once = net.conv1.bias.grad.clone()
net.zero_grad()
net(image).backward(torch.ones(1, 10))
print(
    "after two backward passes, twice:",
    torch.allclose(net.conv1.bias.grad, 2 * once),
)
net.zero_grad()
print("after zero_grad():", net.conv1.bias.grad)

# %% zeros-left instead="zero-grad"
net.zero_grad()
net(image).backward(torch.ones(1, 10))
once = net.conv1.bias.grad.clone()
net(image).backward(torch.ones(1, 10))
print(
    "after two backward passes, twice:",
    torch.allclose(net.conv1.bias.grad, 2 * once),
)
net.zero_grad(set_to_none=False)
print("after zero_grad():", net.conv1.bias.grad)

# %% why-none-before below="bias-gradient"
# Why is there no gradient before `backward()`, although the loss has
#   been computed?
# bias-gradient: The forward pass only records what it computes;
#   `backward()` computes the gradients from that.
# mse: The parameters do not require gradients until somebody says so.
# update-by-hand: Gradients are computed by an optimizer, and none has
#   been made.
