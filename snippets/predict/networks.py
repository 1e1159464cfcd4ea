"""What students take cells of networks.py for."""


# %% layers-asked instead="module-list"
class Stack(nn.Module):
    def __init__(self, container):
        super().__init__()
        self.layers = container(nn.Linear(4, 4) for _ in range(3))

    def forward(self, features):
        for layer in self.layers:
            features = layer(features)
        return features


for container in (list, nn.ModuleList):
    stack = Stack(container)
    shape = tuple(stack(torch.ones(1, 4)).shape)
    found = sum(len(list(layer.parameters())) for layer in stack.layers)
    print(
        f"{container.__name__:10} output {shape}, parameter "
        f"tensors {found}"
    )


# %% layers-counted instead="module-list"
class Stack(nn.Module):
    def __init__(self, container):
        super().__init__()
        self.layers = container(nn.Linear(4, 4) for _ in range(3))

    def forward(self, features):
        for layer in self.layers:
            features = layer(features)
        return features


for container in (list, nn.ModuleList):
    stack = Stack(container)
    shape = tuple(stack(torch.ones(1, 4)).shape)
    found = len(list(stack.children()))
    print(
        f"{container.__name__:10} output {shape}, parameter "
        f"tensors {found}"
    )

# %% batch-of-one instead="unbatched"
one = torch.randn(1, 1, 32, 32)
print("Conv2d:   ", tuple(net.conv1(one).shape))
print("MaxPool2d:", tuple(net.pool(one).shape))
print("Linear:   ", tuple(net.fc1(torch.randn(1, 400)).shape))
one_loss = nn.CrossEntropyLoss()(torch.randn(10), torch.tensor(3))
print("CrossEntropyLoss:", tuple(one_loss.shape))

# %% no-channel instead="unbatched" error="RuntimeError"
one = torch.randn(32, 32)
print("Conv2d:   ", tuple(net.conv1(one).shape))


# %% overlooked-registered instead="registered"
class Example(nn.Module):
    def __init__(self):
        super().__init__()
        self.trained = nn.Parameter(torch.ones(2))
        self.register_buffer("kept", torch.ones(2))
        self.overlooked = nn.Parameter(torch.ones(2))


module = Example()
print("parameters:", [name for name, _ in module.named_parameters()])
print("saved:     ", list(module.state_dict()))
print(
    "a parameter is a tensor:", isinstance(module.trained, torch.Tensor)
)
module.to(torch.float64)
for name in ("trained", "kept", "overlooked"):
    print(f"{name:10} {getattr(module, name).dtype}")


# %% buffer-not-saved instead="registered"
class Example(nn.Module):
    def __init__(self):
        super().__init__()
        self.trained = nn.Parameter(torch.ones(2))
        self.register_buffer("kept", torch.ones(2), persistent=False)
        self.overlooked = torch.ones(2, requires_grad=True)


module = Example()
print("parameters:", [name for name, _ in module.named_parameters()])
print("saved:     ", list(module.state_dict()))
print(
    "a parameter is a tensor:", isinstance(module.trained, torch.Tensor)
)
module.to(torch.float64)
for name in ("trained", "kept", "overlooked"):
    print(f"{name:10} {getattr(module, name).dtype}")

# %% zeros-left instead="accumulate"
once = net.conv1.bias.grad.clone()
mse(net(image), target).backward()  # a new forward pass, so a new graph
print("twice as much:", torch.allclose(net.conv1.bias.grad, 2 * once))
net.zero_grad(set_to_none=False)
print("after zero_grad:", net.conv1.bias.grad)

# %% replaced instead="accumulate"
once = net.conv1.bias.grad.clone()
net.zero_grad()
mse(net(image), target).backward()  # a new forward pass, so a new graph
print("twice as much:", torch.allclose(net.conv1.bias.grad, 2 * once))
net.zero_grad()
print("after zero_grad:", net.conv1.bias.grad)

# %% why-one-image-fails below="net-unbatched"
# Why does the network refuse one image, although its layers take one?
# net-unbatched: `flatten(maps, 1)` keeps the first dimension, which is
#   that of the 16 channels here.
# unbatched: A convolution needs a dimension for the batch.
# mini-batch: The image is too small for two convolutions and poolings.
