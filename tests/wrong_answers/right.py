"""Right answers written in unusual ways, which no check may refuse."""

from tests.wrong_answers.classifier import HEAD, LOSS, MOVE, RETURN, SGD, blank, network, set_up
from tests.wrong_answers.kinds import RIGHT

UNUSUAL = [
    *((*exercise, body) for exercise, body in RIGHT.items()),
    ("tensors", "normalise", """
    var, mean = torch.var_mean(images, dim=(0, 2, 3), correction=0, keepdim=True)
    return (images - mean) * var.rsqrt()"""),
    ("tensors", "normalise", """
    rows = images.transpose(0, 1).flatten(1)
    rows = (rows - rows.mean(1, True)) / rows.std(1, keepdim=True)
    n, c, h, w = images.shape
    return rows.reshape(c, n, h, w).transpose(0, 1)"""),
    ("tensors", "normalise", """
    return torch.nn.functional.batch_norm(images, None, None, training=True, eps=1e-12)"""),
    ("tensors", "normalise", """
    with torch.no_grad():
        mean = images.mean((0, 2, 3))[:, None, None]
        return images.sub(mean).div(images.std((0, 2, 3))[:, None, None])"""),
    ("tensors", "pairwise-distances", """
    return torch.linalg.vector_norm(points.unsqueeze(1) - centres, dim=-1)"""),
    ("tensors", "pairwise-distances", """
    squares = points.square().sum(1, keepdim=True) + centres.square().sum(1)
    return (squares - 2 * points @ centres.T).clamp(min=0).sqrt()"""),
    ("tensors", "pairwise-distances", """
    gaps = points.T[:, :, None] - centres.T[:, None]
    return torch.einsum("dnk,dnk->nk", gaps, gaps) ** 0.5"""),
    ("autograd", "tanh-gradient", """
    p = (x @ w).tanh()
    return torch.einsum("n,nd->d", 2 * (p - y) * (1 - p * p), x) / x.shape[0]"""),
    ("autograd", "tanh-gradient", """
    z = x.mv(w)
    return (2 * (z.tanh() - y) / z.cosh() ** 2 @ x) / len(y)"""),
    ("autograd", "last-block", """
    for name, parameter in model.named_parameters():
        parameter.requires_grad = name.startswith(("layer4.1.", "fc."))
    return sum(p.nelement() for p in [*model.layer4[-1].parameters(), *model.fc.parameters()])"""),
    ("overfit", "early-stopping", """
    best, losses, waited = None, [], 0
    while len(losses) < most and waited < patience:
        train_epoch(net)
        loss = validate(net)
        if not losses or loss < min(losses):
            waited = 0
            best = {name: value.clone() for name, value in net.state_dict().items()}
        else:
            waited += 1
        losses.append(loss)
    net.load_state_dict(best)
    return losses"""),
    ("overfit", "early-stopping", """
    losses = []
    for epoch in range(most):
        train_epoch(net)
        losses.append(validate(net))
        best = losses.index(min(losses))
        if best == epoch:
            kept = copy.deepcopy(net)
        if epoch - best >= patience:
            break
    with torch.no_grad():
        for now, then in zip(net.state_dict().values(), kept.state_dict().values()):
            now.copy_(then)
    return losses"""),
    ("overfit", "decay-groups", """
    groups = [{"params": []}, {"params": [], "weight_decay": 0}]
    for p in net.parameters():
        if p.requires_grad:
            groups[p.ndim < 2]["params"].append(p)
    return torch.optim.AdamW(groups, lr=rate, weight_decay=decay)"""),
    ("overfit", "decay-groups", """
    both = {True: [], False: []}
    for name, p in net.named_parameters():
        if p.requires_grad:
            both[p.dim() > 1].append((name, p))
    optimizer = torch.optim.AdamW(both[True], rate, weight_decay=decay)
    optimizer.add_param_group({"params": both[False], "weight_decay": 0.0})
    return optimizer"""),
    ("overfit", "optimism", """
    right = validation.sum(1)
    best = int(torch.argmax(right))
    return right[best].item() / validation.size(1) - held_out[best].double().mean().item()"""),
    ("overfit", "optimism", """
    accuracy, best = validation.double().mean(1).max(dim=0)
    return float(accuracy - held_out.double().mean(1)[best])"""),
    ("debugging", "output-bias", """
    share = counts.double() / counts.double().sum()
    return torch.logit(share).sigmoid().log().float()"""),
    ("debugging", "output-bias", """
    return torch.log(counts.float())"""),
    ("debugging", "initialise", """
    def one(layer):
        if type(layer) is nn.Linear:
            n = layer.weight.shape[1]
            with torch.no_grad():
                layer.weight.copy_(torch.randn(layer.weight.shape) * (2 / n) ** 0.5)
                if layer.bias is not None:
                    layer.bias.fill_(0)
    net.apply(one)"""),
    ("debugging", "clip", """
    gradients = [p.grad for p in parameters if p.grad is not None]
    norm = torch.cat([g.flatten() for g in gradients]).norm()
    scale = (limit / norm).clamp(max=1)
    for g in gradients:
        g.mul_(scale)
    return norm"""),
    ("debugging", "clip", """
    gradients = [p.grad for p in parameters if p.grad is not None]
    norms = torch.stack([torch.linalg.vector_norm(g) for g in gradients])
    total = torch.linalg.vector_norm(norms)
    if total > limit:
        for p in parameters:
            if p.grad is not None:
                p.grad = p.grad * (limit / total)
    return total"""),
    ("transfer", "freeze", """
    inside = set(head.modules())
    mine = {id(p) for p in head.parameters()}
    for module in net.modules():
        module.training = module in inside
        for p in module.parameters(recurse=False):
            p.requires_grad = id(p) in mine"""),
    ("transfer", "groups", """
    top = [p for p in head.parameters() if p.requires_grad]
    body = [p for p in net.parameters() if p.requires_grad and all(p is not q for q in top)]
    return [dict(params=body, lr=0.1 * rate), dict(params=top, lr=rate)]"""),
    ("transfer", "groups", """
    top = set(head.parameters())
    body = [p for p in net.parameters() if p not in top and p.requires_grad]
    return [
        {"lr": rate / 10, "params": body},
        {"lr": rate, "params": [p for p in top if p.requires_grad]},
    ]"""),
    ("transfer", "split", """
    val, counts = [], {}
    order = torch.randperm(len(targets), generator=generator).tolist()
    for place in order:
        counts[targets[place]] = counts.get(targets[place], 0) + 1
        if counts[targets[place]] <= held_out:
            val.append(place)
    return [place for place in order if place not in val], val"""),
    ("transfer", "split", """
    parts = [], []
    for label in set(targets):
        places = [place for place, target in enumerate(targets) if target == label]
        drawn = torch.utils.data.random_split(
            places, [len(places) - held_out, held_out], generator=generator)
        for part, some in zip(parts, drawn):
            part.extend(some)
    return parts"""),
    ("networks", "output-size", """
    if not layers:
        return size
    (kernel, stride, padding, dilation), *rest = layers
    size = (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
    return output_size(size, rest)"""),
    ("networks", "output-size", """
    from functools import reduce
    after = lambda s, l: (s + 2 * l[2] - l[3] * (l[0] - 1) - 1) // l[1] + 1
    return reduce(after, layers, size)"""),
    ("networks", "momentum-step", """
    with torch.no_grad():
        for k, parameter in enumerate(parameters):
            velocities[k].copy_(momentum * velocities[k] + parameter.grad)
            parameter.add_(velocities[k], alpha=-learning_rate)"""),
    ("networks", "momentum-step", """
    @torch.no_grad()
    def step(parameter, velocity):
        velocity *= momentum
        velocity += parameter.grad
        parameter.sub_(learning_rate * velocity)

    for pair in zip(parameters, velocities):
        step(*pair)"""),
    ("classifier", "build-network", network("F.max_pool2d(F.relu(self.conv1(images)), 2)",
     "F.relu(F.max_pool2d(self.conv1(images), 2))")),
    ("classifier", "build-network", network("torch.flatten(maps, 1)",
     "maps.reshape(len(maps), 16 * 5 * 5)")),
    ("classifier", "set-up", set_up(MOVE, HEAD.replace("classes)", "classes, device=device)"),
     LOSS, SGD, RETURN)),
    ("classifier", "set-up", set_up(HEAD, MOVE, SGD.replace("network.parameters()",
     "[{'params': network.body.parameters()}, {'params': network.head.parameters()}]"),
     "return F.cross_entropy, optimizer")),
    ("classifier", "set-up", set_up(HEAD, "network = network.to(device)", SGD.replace("network.p",
     "network.p").replace("0.01", "1e-2"), "return (lambda z, y: F.nll_loss(z.log_softmax(1), y)), "
     "optimizer")),
    ("classifier", "training-step", blank("""
     optimizer.zero_grad(set_to_none=False)
     loss = loss_function(network.train()(images), labels)
     loss.backward()
     optimizer.step()
     return loss.clone().detach()
     """)),
    ("classifier", "training-step", blank("""
     network.train()
     for parameter in network.parameters():
         parameter.grad = None

     loss = loss_function(network.forward(images), labels)
     gradients = torch.autograd.grad(loss, list(network.parameters()))
     for parameter, gradient in zip(network.parameters(), gradients):
         parameter.grad = gradient
     optimizer.step()
     return loss.detach()
     """)),
    ("classifier", "accuracy", blank("""
     mode = network.training
     network.eval()
     images = torch.cat([images for images, _ in batches])
     labels = torch.cat([labels for _, labels in batches])
     with torch.inference_mode():
         right = network(images).argmax(1) == labels
     network.train(mode)
     return right.float().mean().item()
     """)),
    ("classifier", "accuracy", blank("""
     mode, hits, count = network.training, 0, 0
     try:
         network.eval()
         with torch.no_grad():
             for images, labels in batches:
                 best = network(images).max(dim=1).indices
                 hits += int(torch.eq(best, labels).sum())
                 count += labels.shape[0]
     finally:
         network.train(mode)
     return hits / count
     """)),
    ("faster", "random-flips", """
    coins = torch.rand(len(images), 1, 1, 1, device=images.device) < 0.5
    return torch.where(coins, images.flip(3), images)"""),
    ("faster", "random-flips", """
    chosen = torch.randint(2, (len(images),), device=images.device).bool().nonzero().squeeze(1)
    return images.index_copy(0, chosen, images[chosen].flip(-1))"""),
    ("faster", "one-cycle-rate", """
    peak, last = 0.3 * total_steps - 1, total_steps - 1
    up = 1 / 25 + 24 / 25 * step / peak
    down = (last - step) / (last - peak)
    return max_rate * min(up, down)"""),
    ("faster", "batch-norm", """
    dims = (0, 2, 3)
    if not training:
        mean, var = running_mean, running_var
    else:
        mean, var = maps.mean(dims), maps.var(dims, unbiased=False)
        n = maps.numel() / maps.shape[1]
        running_mean.lerp_(mean.detach(), momentum)
        running_var.lerp_(var.detach() * n / (n - 1), momentum)
    c = (1, -1, 1, 1)
    whitened = (maps - mean.view(c)) * (var.view(c) + eps).rsqrt()
    return whitened * gamma.view(c) + beta.view(c)"""),
    ("inside", "confusion-matrix", """
    hot = torch.nn.functional.one_hot
    return hot(labels, class_count).T @ hot(predictions, class_count)"""),
    ("inside", "confusion-matrix", """
    counts = torch.zeros(class_count, class_count, dtype=torch.int64)
    with torch.no_grad():
        counts.index_put_((labels, predictions), torch.ones_like(labels), accumulate=True)
    return counts"""),
    ("inside", "worst-mistakes", """
    confidence, answers = logits.softmax(-1).max(-1)
    scores = torch.where(answers == labels, -1.0, confidence)
    return scores.topk(min(count, int((answers != labels).sum()))).indices"""),
    ("audio", "alias-of", """
    rest = frequencies % rate
    return torch.minimum(rest, rate - rest)"""),
    ("audio", "alias-of", """
    rest = torch.remainder(frequencies, rate)
    return torch.where(rest > rate / 2, rate - rest, rest)"""),
    ("audio", "frame-signals", """
    n, total = signals.shape
    count = (
        1 if total <= length else 2 + (total - length - 1) // hop)
    padded = signals.new_zeros(n, (count - 1) * hop + length)
    padded[:, :total] = signals
    return padded.as_strided((n, count, length), (padded.shape[1], hop, 1))"""),
    ("audio", "frame-signals", """
    frames, start = [], 0
    while True:
        part = signals[:, start : start + length]
        frames.append(F.pad(part, (0, length - part.shape[1])))
        if start + length >= signals.shape[1]:
            return torch.stack(frames, 1)
        start += hop"""),
    ("audio", "relative-decibels", """
    top = power.flatten(1).max(dim=1).values[:, None, None]
    ratio = torch.where(top > 0, power / top, torch.zeros_like(power))
    return torch.clamp(10 * ratio.log10(), -span, 0)"""),
    ("images", "channel-statistics", """
    count, mean, squares = 0, 0.0, 0.0
    for batch in batches:
        values = batch.to(torch.float64).div(255).reshape(-1, batch.shape[-1])
        gap = values.mean(0) - mean
        total = count + len(values)
        squares = squares + ((values - values.mean(0)) ** 2).sum(0)
        squares = squares + gap**2 * count * len(values) / total
        mean, count = mean + gap * len(values) / total, total
    return [mean.float(), (squares / count).sqrt().float()]"""),
    ("images", "to-picture", """
    image = image.movedim(0, -1) * std + mean
    return image.mul(255).add(0.5).floor().clip(0, 255).byte()"""),
    ("text", "merge", """
    if len(ids) < 2:
        return ids[:]
    if (ids[0], ids[1]) == pair:
        return [new_id] + merge(ids[2:], pair, new_id)
    return ids[:1] + merge(ids[1:], pair, new_id)"""),
    ("text", "merge", """
    rest, merged = list(ids), []
    while rest:
        if tuple(rest[:2]) == pair:
            merged.append(new_id)
            del rest[:2]
        else:
            merged.append(rest.pop(0))
    return merged"""),
    ("text", "perplexity", """
    return math.exp(F.cross_entropy(logits.flatten(0, 1), targets.flatten()))"""),
    ("text", "perplexity", """
    real = targets != -100
    logs = logits[real].log_softmax(dim=1)
    return torch.exp(-logs[torch.arange(len(logs)), targets[real]].mean()).item()"""),
    ("gpu", "time-of", """
    def now():
        synchronize()
        return clock()

    function()
    before = now()
    [function() for _ in range(repeats)]
    return (now() - before) / repeats"""),
    ("gpu", "move-batch", """
    match batch:
        case torch.Tensor():
            return batch.to(device)
        case dict():
            return dict((k, move_batch(v, device)) for k, v in batch.items())
        case list() | tuple():
            return type(batch)(map(lambda part: move_batch(part, device), batch))
    return batch"""),
    ("processes", "share-of", """
    deck = list(range(count))
    while len(deck) % world_size:
        deck.append(deck[len(deck) - count])
    return deck[rank::world_size]"""),
    ("processes", "average-gradients", """
    weights = torch.tensor(counts, dtype=torch.float32)
    mean = torch.stack(gradients).T @ weights / weights.sum()
    return list(mean.repeat(len(counts), 1))"""),
    ("processes", "save-checkpoint", """
    if rank != 0:
        return
    with tempfile.NamedTemporaryFile(dir=file.parent, delete=False) as new:
        torch.save(state, new)
    Path(new.name).replace(file)"""),
    ("processes", "ring-bytes", """
    piece = parameters // ranks * bytes_each
    return [2 * (ranks - 1) * piece, 2 * (ranks - 1) * piece * ranks]"""),
    ("project", "parse-options", """
    parser = argparse.ArgumentParser()
    parser.add_argument("--augment", action="store_true", default=True)
    parser.add_argument("--no-augment", action="store_false", dest="augment")
    parser.add_argument("--rate", type=float, default=0.1)
    parser.add_argument("--sizes", type=int, nargs="+", default=[32])
    options = parser.parse_args(words)
    if not options.rate > 0:
        parser.error("argument --rate: it has to be above 0")
    return options"""),
    ("project", "train-on", """
    import os
    done = 0
    if file.exists():
        weights, momentum, states, done = torch.load(file)
        net.load_state_dict(weights)
        optimizer.load_state_dict(momentum)
        torch.random.set_rng_state(states)
    for done in range(done + 1, count + 1):
        step()
        state = [net.state_dict(), optimizer.state_dict(), torch.random.get_rng_state(), done]
        torch.save(state, f"{file}.new")
        os.replace(f"{file}.new", file)"""),
    ("project", "self-times", """
    times = {}
    for name, start, end in calls:
        inner = [(s, e) for _, s, e in calls if start <= s and e <= end and (s, e) != (start, end)]
        busy = set().union(*(range(s, e) for s, e in inner)) if inner else set()
        times[name] = times.get(name, 0) + end - start - len(busy)
    return times"""),
    ("quick", "residual-forward", """
    return torch.stack([block.branch(maps), block.short_cut(maps)]).sum(dim=0)"""),
    ("quick", "crops", """
    rows = top.view(-1, 1, 1, 1) + torch.arange(size).view(1, 1, -1, 1)
    columns = left.view(-1, 1, 1, 1) + torch.arange(size).view(1, 1, 1, -1)
    n, c = torch.arange(len(images)).view(-1, 1, 1, 1), torch.arange(images.shape[1])
    return images[n, c.view(1, -1, 1, 1), rows, columns]"""),
    ("quick", "smoothed-loss", """
    classes = logits.shape[1]
    targets = torch.full_like(logits, smoothing / classes)
    targets.scatter_add_(1, labels[:, None], torch.full_like(logits[:, :1], 1 - smoothing))
    return -(targets * F.log_softmax(logits, 1)).sum() / len(logits)"""),
    ("quick", "smoothed-loss", """
    logs = logits - logits.logsumexp(dim=1, keepdim=True)
    right = F.nll_loss(logs, labels)
    return (1 - smoothing) * right - smoothing * logs.mean()"""),
]  # fmt: skip
