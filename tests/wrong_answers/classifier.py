"""Typical wrong answers to the lab on classifiers, each with a part of the hint it must get."""

from textwrap import dedent, indent


def blank(code):
    """The lines as they stand in the blank, four spaces in."""
    return indent(dedent(code).strip("\n"), "    ")


def network(old="", new=""):
    """The lab's network as a class, with one thing changed in its layers or its forward pass."""
    code = """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv1 = nn.Conv2d(3, 6, 5)
                self.conv2 = nn.Conv2d(6, 16, 5)
                self.fc1 = nn.Linear(400, 120)
                self.fc2 = nn.Linear(120, 84)
                self.fc3 = nn.Linear(84, classes)

            def forward(self, images):
                maps = F.max_pool2d(F.relu(self.conv1(images)), 2)
                maps = F.max_pool2d(F.relu(self.conv2(maps)), 2)
                features = F.relu(self.fc1(torch.flatten(maps, 1)))
                features = F.relu(self.fc2(features))
                return self.fc3(features)

        return Net()
    """
    assert old in code
    return blank(code.replace(old, new))


def set_up(*lines):
    return blank("\n".join(lines))


HEAD = "network.head = nn.Linear(16, classes)"
MOVE = "network.to(device)"
LOSS = "loss_function = nn.CrossEntropyLoss()"
SGD = "optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9)"
RETURN = "return loss_function, optimizer"

# Name of the exercise: (what stands in the blank, a part of the hint).
WRONG_ANSWERS = {
    "build-network": [
        (blank("..."), "blank is still empty"),
        (blank("return nn.Sequential"), "not its class"),
        (
            blank("""
            class Net(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.layers = [nn.Conv2d(3, 6, 5), nn.Flatten(), nn.Linear(4704, classes)]

                def forward(self, images):
                    for layer in self.layers:
                        images = layer(images)
                    return images

            return Net()
            """),
            "plain list",
        ),
        (network("Conv2d(3, 6", "Conv2d(1, 6"), "a colour image has 3"),
        (network("Conv2d(6, 16", "Conv2d(3, 16"), "as many channels"),
        (network("Linear(400, 120)", "Linear(16, 5, 5, 120)"), "becomes its device"),
        (network("Linear(400, 120)", "Linear(16 * 6 * 6, 120)"), "16 x 5 x 5 = 400"),
        (network("Linear(400, 120)", "Linear(16 * 8 * 8, 120)"), "16 x 5 x 5 = 400"),
        (network("Linear(120, 84)", "Linear(84, 84)"), "got 120"),
        (network("torch.flatten(maps, 1)", "maps"), "flatten them"),
        (network("torch.flatten(maps, 1)", "torch.flatten(maps)"), "one row"),
        (network("torch.flatten(maps, 1)", "maps.view(1, -1)"), "one row"),
        (network("torch.flatten(maps, 1)", "maps.view(-1, 400)"), "view(-1, 400)"),
        (
            network("maps = F.max_pool2d(F.relu(self.conv2(maps)), 2)", "maps = self.conv2(maps)"),
            "rows of 1600 numbers",
        ),
        (
            network("nn.Conv2d(6, 16, 5)", "nn.Conv2d(6, 16, 5, padding=2)").replace(
                "Linear(400", "Linear(784"
            ),
            "check each layer's kernel size",
        ),
        (network("self.fc2(features)", "self.fc2(features) + features"), "does not get through"),
        (network("return self.fc3(features)", "return features"), "should return (4, 10)"),
        (
            network("return self.fc3(features)", "return self.fc3(features).softmax(dim=1)"),
            "you apply a softmax",
        ),
        (
            network("return self.fc3(features)", "return self.fc3(features).log_softmax(dim=1)"),
            "log-softmax itself",
        ),
        (network("Linear(84, classes)", "Linear(84, classes, bias=False)"), "instead of 62,006"),
        (
            network("Linear(400, 120)", "Linear(400, 128)").replace(
                "Linear(120, 84)", "Linear(128, 84)"
            ),
            "instead of 62,006",
        ),
        (network("F.max_pool2d", "F.avg_pool2d"), "mean"),
        (
            network("F.relu(self.conv1(images))", "self.conv1(images)").replace(
                "F.relu(self.conv2(maps))", "self.conv2(maps)"
            ),
            "A ReLU is missing",
        ),
        (
            network("F.relu(self.fc2(features))", "self.fc2(features)").replace(
                "F.relu(self.fc1(torch.flatten(maps, 1)))", "self.fc1(torch.flatten(maps, 1))"
            ),
            "A ReLU is missing",
        ),
        (network("F.relu", "torch.sigmoid"), "You use sigmoid"),
        (
            network("return self.fc3(features)", "return F.relu(self.fc3(features))"),
            "you apply a ReLU",
        ),
        (network("Linear(84, classes)", "Linear(84, 10)"), "For 7 classes"),
        (
            blank("""
            made = globals().setdefault("made", {})
            if classes not in made:
                made[classes] = nn.Sequential(
                    *(nn.Conv2d(3, 6, 5), nn.ReLU(), nn.MaxPool2d(2)),
                    *(nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2)),
                    *(nn.Flatten(), nn.Linear(400, 120), nn.ReLU()),
                    *(nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, classes)),
                )
            return made[classes]
            """),
            "a new one in each call",
        ),
    ],
    "set-up": [
        (blank("..."), "blank is still empty"),
        (set_up(SGD, HEAD, MOVE, LOSS, RETURN), "holds the old head"),
        (set_up(HEAD, SGD, MOVE, LOSS, RETURN), "made before the move"),
        (set_up(MOVE, HEAD, LOSS, SGD, RETURN), "after its head is replaced"),
        (set_up(HEAD, LOSS, SGD, RETURN), "after its head is replaced"),
        (set_up(MOVE, LOSS, SGD, RETURN), "assign a new"),
        (
            set_up("network.head.out_features = classes", MOVE, LOSS, SGD, RETURN),
            "assign a new",
        ),
        (
            set_up(
                "network = nn.Sequential(network, nn.Linear(1000, classes))",
                MOVE,
                LOSS,
                SGD,
                RETURN,
            ),
            "assign a new",
        ),
        (
            set_up(
                "network.head = nn.Sequential(nn.Linear(16, classes), nn.Softmax(dim=1))",
                MOVE,
                LOSS,
                SGD,
                RETURN,
            ),
            "softmax out of the head",
        ),
        (
            set_up("network.head = nn.LazyLinear(classes)", MOVE, LOSS, SGD, RETURN),
            "plain nn.Linear",
        ),
        (
            set_up(
                "network.head = nn.Sequential(nn.Linear(16, 8), nn.Linear(8, classes))",
                MOVE,
                LOSS,
                SGD,
                RETURN,
            ),
            "plain nn.Linear",
        ),
        (
            set_up(
                "network.body = nn.Sequential(nn.Flatten(), nn.Linear(192, 16))",
                HEAD,
                MOVE,
                LOSS,
                SGD,
                RETURN,
            ),
            "nothing but the head",
        ),
        (
            set_up(
                HEAD,
                MOVE,
                "loss_function = lambda z, y: F.cross_entropy(z.softmax(dim=1), y)",
                SGD,
                RETURN,
            ),
            "softmax before cross-entropy",
        ),
        (set_up(HEAD, MOVE, "loss_function = nn.NLLLoss()", SGD, RETURN), "NLLLoss"),
        (set_up(HEAD, MOVE, "loss_function = nn.MSELoss()", SGD, RETURN), "class indices"),
        (
            set_up(HEAD, MOVE, "loss_function = nn.CrossEntropyLoss(reduction='sum')", SGD, RETURN),
            "not the sum",
        ),
        (
            set_up(
                HEAD, MOVE, "loss_function = nn.CrossEntropyLoss(reduction='none')", SGD, RETURN
            ),
            "one number",
        ),
        (
            set_up(
                HEAD, MOVE, "loss_function = nn.CrossEntropyLoss(label_smoothing=0.5)", SGD, RETURN
            ),
            "differs from cross-entropy",
        ),
        (
            set_up(HEAD, MOVE, "loss_function = nn.CrossEntropyLoss", SGD, RETURN),
            "class of the loss",
        ),
        (
            set_up(HEAD, MOVE, LOSS, SGD.replace("network.p", "network.head.p"), RETURN),
            "head and body",
        ),
        (set_up(HEAD, MOVE, LOSS, SGD.replace(", momentum=0.9", ""), RETURN), "momentum=0.9"),
        (set_up(HEAD, MOVE, LOSS, SGD.replace("lr=0.01, ", ""), RETURN), "lr=0.01"),
        (
            set_up(HEAD, MOVE, LOSS, "optimizer = torch.optim.Adam(network.parameters())", RETURN),
            "torch.optim.SGD",
        ),
        (set_up(HEAD, MOVE, LOSS, SGD, "return optimizer, loss_function"), "loss function first"),
        (set_up(HEAD, MOVE, LOSS, SGD, "return optimizer"), "two values"),
        (set_up(HEAD, MOVE, LOSS, "return loss_function, network"), "torch.optim optimizer"),
    ],
    "training-step": [
        (blank("..."), "blank is still empty"),
        (
            blank("""
            logits = torch.zeros(len(images), 4, requires_grad=True)
            return loss_function(logits, labels)
            """),
            "Call the network",
        ),
        (
            blank("""
            network.train()
            loss = loss_function(network(images), labels)
            loss.backward()
            optimizer.step()
            return loss.detach()
            """),
            "zero_grad() in each step",
        ),
        (
            blank("""
            network.train()
            loss = loss_function(network(images), labels)
            optimizer.zero_grad()
            optimizer.step()
            return loss.detach()
            """),
            "call loss.backward()",
        ),
        (
            blank("""
            network.train()
            loss = loss_function(network(images), labels)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            return loss.detach()
            """),
            "not after the step",
        ),
        (
            blank("""
            network.train()
            loss = loss_function(network(images), labels)
            optimizer.zero_grad()
            loss.backward()
            return loss.detach()
            """),
            "call step()",
        ),
        (
            blank("""
            network.train()
            loss = loss_function(network(images), labels)
            loss.backward()
            optimizer.zero_grad()
            optimizer.step()
            return loss.detach()
            """),
            "not between it and step()",
        ),
        (
            blank("""
            network.train()
            loss = loss_function(network(images), labels)
            optimizer.step()
            optimizer.zero_grad()
            loss.backward()
            return loss.detach()
            """),
            "backward() first",
        ),
        (
            blank("""
            network.train()
            optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
            loss = loss_function(network(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss.detach()
            """),
            "not a new one",
        ),
        (
            blank("""
            network.train()
            loss = loss_function(network(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            optimizer.step()
            return loss.detach()
            """),
            "step() once",
        ),
        (
            blank("""
            loss = loss_function(network(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss.detach()
            """),
            "came in eval mode",
        ),
        (
            blank("""
            network.train()
            loss = loss_function(network(images).softmax(dim=1), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss.detach()
            """),
            "logits and the labels as they are",
        ),
        (
            blank("""
            network.train()
            loss = loss_function(network(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss
            """),
            "keeps its graph",
        ),
        (
            blank("""
            network.train()
            loss = loss_function(network(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            """),
            "not returned",
        ),
        (
            blank("""
            network.train()
            loss = loss_function(network(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss_function(network(images), labels).detach()
            """),
            "before the step",
        ),
    ],
    "accuracy": [
        (blank("..."), "blank is still empty"),
        (
            blank("""
            right = total = 0
            with torch.no_grad():
                for images, labels in batches:
                    right += (network(images).argmax(dim=1) == labels).sum().item()
                    total += len(labels)
            return right / total
            """),
            "train mode",
        ),
        (
            blank("""
            was_training = network.training
            network.eval()
            shares = []
            with torch.no_grad():
                for images, labels in batches:
                    hits = network(images).argmax(dim=1) == labels
                    shares.append(hits.float().mean().item())
            network.train(was_training)
            return sum(shares) / len(shares)
            """),
            "mean of the batches' accuracies",
        ),
        (
            blank("""
            network.eval()
            right = total = 0
            with torch.no_grad():
                for images, labels in batches:
                    right += (network(images).argmax(dim=0) == labels).sum().item()
                    total += len(labels)
            return right / total
            """),
            "take argmax(dim=1)",
        ),
        (
            blank("""
            network.eval()
            right = total = 0
            with torch.no_grad():
                for images, labels in batches:
                    right += (network(images).argmax() == labels).sum().item()
                    total += len(labels)
            return right / total
            """),
            "largest logit of each image",
        ),
        (
            blank("""
            network.eval()
            right = total = 0
            with torch.no_grad():
                for images, labels in batches:
                    right += (network(images).argmax(dim=1) == labels).sum().item()
                    total += len(labels)
            return right / total
            """),
            "left it in eval mode",
        ),
        (
            blank("""
            network.eval()
            right = total = 0
            with torch.no_grad():
                for images, labels in batches:
                    right += (network(images).argmax(dim=1) == labels).sum().item()
                    total += len(labels)
            network.train()
            return right / total
            """),
            "left it in train mode",
        ),
        (
            blank("""
            network.eval()
            right = total = 0
            for images, labels in batches:
                right += (network(images).argmax(dim=1) == labels).sum().item()
                total += len(labels)
            network.train()
            return right / total
            """),
            "A graph was recorded",
        ),
        (
            blank("""
            network.eval()
            right = total = 0
            with torch.no_grad():
                for images, labels in batches:
                    right += (network(images).argmax(dim=1) == labels).sum()
                    total += len(labels)
            network.train()
            return right / total
            """),
            "take .item()",
        ),
        (
            blank("""
            network.eval()
            right = 0
            with torch.no_grad():
                for images, labels in batches:
                    right += (network(images).argmax(dim=1) == labels).sum().item()
            network.train()
            return right
            """),
            "divide the right answers",
        ),
        (
            blank("""
            network.eval()
            right = 0
            with torch.no_grad():
                for images, labels in batches:
                    right += (network(images).argmax(dim=1) == labels).sum().item()
            network.train()
            return right / len(batches)
            """),
            "not by that of batches",
        ),
        (
            blank("""
            network.eval()
            right = total = 0
            with torch.no_grad():
                for images, labels in batches:
                    right += (network(images).argmax(dim=1) == labels).sum().item()
                    total += len(labels)
            network.train()
            return 100 * right / total
            """),
            "not per cent",
        ),
        (
            blank("""
            network.eval()
            with torch.no_grad():
                for images, labels in batches:
                    hits = network(images).argmax(dim=1) == labels
            network.train()
            return hits.float().mean().item()
            """),
            "last batch alone",
        ),
        (
            blank("""
            network.eval()
            with torch.no_grad():
                for images, labels in batches:
                    hits = network(images).argmax(dim=1) == labels
                    return hits.float().mean().item()
            """),
            "after the loop",
        ),
    ],
}
