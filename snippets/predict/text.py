"""What students take cells of text.py for."""

# %% one-code-point instead="two-spellings"
one, two = "é", "\N{LATIN SMALL LETTER E WITH ACUTE}"
print(one, two, "equal:", one == two, "lengths:", len(one), len(two))
print("after NFC:", one == unicodedata.normalize("NFC", two))

# %% never-equal instead="two-spellings"
one, two = "é", "e\N{COMBINING ACUTE ACCENT}"
print(one, two, "equal:", one == two, "lengths:", len(one), len(two))
print("after NFC:", one == unicodedata.normalize("NFD", two))

# %% nothing-hidden instead="causal"
causal = torch.ones(4, 4, dtype=torch.bool).tril()
given = function(sequence, sequence, sequence, attn_mask=causal)
named = function(sequence, sequence, sequence)
print(
    "tril mask as is_causal:", torch.allclose(given, named, atol=1e-5)
)
changed = sequence.clone()
changed[:, 3] += 1  # another last token
after = function(changed, changed, changed)
moved = (after - named).abs().amax(dim=2) > 1e-5
print("outputs that moved:", moved.tolist())

# %% both-as-the-function instead="mask-meaning"
torch.manual_seed(0)
attention = nn.MultiheadAttention(8, num_heads=1, batch_first=True)
# The last is padding.
is_real = torch.tensor([[True, True, True, False]])


def with_function(tokens, mask):
    return function(tokens, tokens, tokens, attn_mask=mask[:, None])


def with_module(tokens, mask):
    return attention(tokens, tokens, tokens, key_padding_mask=~mask)[0]


for attend in (with_function, with_module):
    for name, mask in [
        ("True = real   ", is_real),
        ("True = padding", ~is_real),
    ]:
        before, after = attend(sequence, mask), attend(changed, mask)
        ignored = torch.allclose(before[:, :3], after[:, :3], atol=1e-5)
        print(
            f"{attend.__name__:13} {name} padding is ignored: {ignored}"
        )

# %% both-as-the-module instead="mask-meaning"
torch.manual_seed(0)
attention = nn.MultiheadAttention(8, num_heads=1, batch_first=True)
# The last is padding.
is_real = torch.tensor([[True, True, True, False]])


def with_function(tokens, mask):
    return function(tokens, tokens, tokens, attn_mask=~mask[:, None])


def with_module(tokens, mask):
    return attention(tokens, tokens, tokens, key_padding_mask=mask)[0]


for attend in (with_function, with_module):
    for name, mask in [
        ("True = real   ", is_real),
        ("True = padding", ~is_real),
    ]:
        before, after = attend(sequence, mask), attend(changed, mask)
        ignored = torch.allclose(before[:, :3], after[:, :3], atol=1e-5)
        print(
            f"{attend.__name__:13} {name} padding is ignored: {ignored}"
        )
