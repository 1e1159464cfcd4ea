"""What students take cells of gpu.py for."""

# %% both-in-place instead="to-in-place"
layer, batch = nn.Linear(4, 2), torch.rand(8, 4)
layer.to("meta")
batch = batch.to("meta")
print("layer:", layer.weight.device.type)
print("batch:", batch.device.type)
batch = batch.to("meta")
print("batch, assigned:", batch.device.type)

# %% neither-in-place instead="to-in-place"
layer, batch = nn.Linear(4, 2), torch.rand(8, 4)
nn.Linear(4, 2).to("meta")
batch.to("meta")
print("layer:", layer.weight.device.type)
print("batch:", batch.device.type)
batch = batch.to("meta")
print("batch, assigned:", batch.device.type)

# %% optimizer-follows instead="new-network"
old_net = Net().to(device)
new_net = Net().to(device)
optimizer = torch.optim.SGD(new_net.parameters(), lr=0.1)
before = new_net.fc3.weight.clone()
F.cross_entropy(
    new_net(images.to(device)), labels.to(device)
).backward()
optimizer.step()
print("has a gradient:", new_net.fc3.weight.grad is not None)
print("has changed:   ", not torch.equal(before, new_net.fc3.weight))

# %% gradient-of-the-old instead="new-network"
old_net = Net().to(device)
optimizer = torch.optim.SGD(old_net.parameters(), lr=0.1)
new_net = Net().to(device)  # say, to start again with other weights
before = new_net.fc3.weight.clone()
F.cross_entropy(
    old_net(images.to(device)), labels.to(device)
).backward()
optimizer.step()
print("has a gradient:", new_net.fc3.weight.grad is not None)
print("has changed:   ", not torch.equal(before, new_net.fc3.weight))

# %% moved-first instead="optimizer-first"
for place in (device, "meta"):
    model = nn.Linear(4, 2)
    model.to(place)
    early = torch.optim.SGD(model.parameters(), lr=0.1)
    held = early.param_groups[0]["params"][0]
    print(
        f"moved to {place}: optimizer holds its weight:",
        held is model.weight,
    )
