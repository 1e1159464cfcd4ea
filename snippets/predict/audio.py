"""What students take cells of audio.py for."""

# %% cut-off-at-the-ends instead="integers"
loud = torch.tensor([20_000, -20_000], dtype=torch.int32)
print("as integers:", (loud + loud).clamp(-32_768, 32_767).tolist())
print("as floats:  ", (loud / 32_767 + loud / 32_767).tolist())

# %% made-wider instead="integers"
loud = torch.tensor([20_000, -20_000], dtype=torch.int32)
print("as integers:", (loud + loud).tolist())
print("as floats:  ", (loud / 32_767 + loud / 32_767).tolist())
