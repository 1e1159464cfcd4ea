"""What students take cells of images.py for."""

# %% cut-off-at-the-ends instead="wrapped"
one = torch.tensor([200, 10], dtype=torch.int16)
print("uint8: 200 + 100 =", (one + 100).clamp(0, 255)[0].item())
print("uint8: 10 - 20 =  ", (one - 20).clamp(0, 255)[1].item())

# %% made-wider instead="wrapped"
one = torch.tensor([200, 10], dtype=torch.int16)
print("uint8: 200 + 100 =", (one + 100)[0].item())
print("uint8: 10 - 20 =  ", (one - 20)[1].item())

# %% always-square instead="resize-sizes"
for size in (240, (240, 240), (240, 320)):
    resized = v2.Resize((240, 240) if size == 240 else size)
    print(f"Resize({size})", end=": ")
    print(
        f"Pillow {resized(picture).size}, tensor "
        f"{tuple(resized(pixels).shape)}"
    )

# %% the-longer-side instead="resize-sizes"
for size in (240, (240, 240), (240, 320)):
    resized = v2.Resize(size)
    if size == 240:
        resized = v2.Resize(None, max_size=240)
    print(f"Resize({size})", end=": ")
    print(
        f"Pillow {resized(picture).size}, tensor "
        f"{tuple(resized(pixels).shape)}"
    )
