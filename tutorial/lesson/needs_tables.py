"""What libraries do to what they are given, by name: the knowledge of dependencies.py."""

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _pattern(*paths: str) -> re.Pattern:
    return re.compile("|".join(f"(?:{path})" for path in paths))


# What libraries do, by dotted name. A library that is not named may do anything to its arguments.
KNOWN = _words(
    "torch torchvision numpy matplotlib builtins abc collections contextlib copy dataclasses"
    " datetime enum fractions functools inspect io itertools json math operator os pathlib pickle"
    " platform pprint random re statistics string subprocess sys tempfile textwrap time"
    " types typing warnings"
)
SEEDS = {
    "torch.manual_seed": "torch",
    "torch.random.manual_seed": "torch",
    "torch.set_rng_state": "torch",
    "torch.random.set_rng_state": "torch",
    "numpy.random.seed": "numpy",
    "numpy.random.set_state": "numpy",
    "random.seed": "python",
    "random.setstate": "python",
}
DRAWS = {  # generator -> what draws from it when called
    "torch": _pattern(
        r"torch\.(rand\w*|normal|bernoulli|multinomial|poisson|binomial|seed|random\.\w+)",
        r"torch\.(get_rng_state|(cuda|mps|xpu|accelerator)\.(manual_seed\w*|seed\w*))",
        r"torch\.nn\.init\.\w+",
        r"torch\.nn\.functional\.(\w*dropout\w*|rrelu|gumbel_softmax|fractional\w*)",
        r"torch\.nn\.functional\.(scaled_dot_product_attention|multi_head_attention_forward)",
        # Layers draw their weights; those that have none do not.
        r"torch\.nn\.(?!Module|Sequential|Parameter|Buffer|Flatten|Unflatten|Identity|Upsample"
        r"|\w*(Loss|LU|Pool\w*|Norm\w*|Dropout\w*|Pad\w*|Softmax\w*|Sigmoid|Tanh|Similarity)\b)"
        r"[A-Z]\w*",
        r"torch\.utils\.data\.(random_split|RandomSampler)",
        r"torch\.distributions\..*",
        r"torchvision\.models\..*",
        r"torchvision\.ops\.(Conv|MLP|Deform|Squeeze|stochastic|drop)\w*",
        r"torchvision\.transforms\.(v2\.)?functional\.(elastic|erase)\w*",
    ),
    "numpy": _pattern(
        r"numpy\.random\.(?!default_rng|Generator|SeedSequence|PCG64|RandomState)\w+"
    ),
    "python": _pattern(r"random\.(?!Random$|SystemRandom)\w+"),
}
# Objects that draw whenever they are called, indexed or iterated over.
DRAWS_IN_USE = _pattern(
    r"torch\.nn\.(\w*Dropout\w*|RReLU|Transformer\w*|MultiheadAttention|RNN|LSTM|GRU|Fractional\w*)",
    r"torchvision\.models\..*",
    r"torchvision\.transforms\.(v2\.)?"
    r"(Random|AutoAug|Trivial|AugMix|Elastic|ColorJitter|Gaussian|MixUp|CutMix|ScaleJitter)\w*",
    r"torch\.distributions\..*",
)
DRAWS_IF_ITERATED = _pattern(r"torch\.utils\.data\.(DataLoader|RandomSampler|WeightedRandom\w*)")
DRAWING_METHODS = _words(
    "bernoulli multinomial random_ normal_ uniform_ exponential_ bernoulli_ cauchy_ geometric_"
    " log_normal_ reset_parameters init_weights"
)
# Objects that change when they are called: running statistics, spectral norms.
CHANGED_IN_USE = _pattern(r"torch\.nn\.\w*(BatchNorm|InstanceNorm)\w*", r"torchvision\.models\..*")
MODULE = _pattern(r"torch\.nn\.[A-Z]\w*", r"torchvision\.(models|ops)\..*", r"instance")
FIXED = _pattern(r"torch\.(device|dtype|Size|accelerator\.current_accelerator)", "plain")
NO_PARAMETERS = _pattern(
    r"torch\.nn\.(\w*Loss|\w*Pool\w*|\w*Pad\w*|(?!P)\w*ReLU6?|GELU|ELU|SiLU|Sigmoid|Tanh"
    r"|(Log)?Softmax\w*|Dropout\w*|Upsample\w*|(Unf|F)latten|Identity|PixelShuffle)"
)
# Results that share no memory with the arguments; all others may.
VIEWS = (
    "from_numpy|as_tensor|asarray|as_strided|reshape|flatten|ravel|t|transpose|permute|movedim"
    r"|moveaxis|swap\w+|\w*squeeze|unflatten|chunk|\w*split|unbind|narrow|select|diag\w*|real|imag"
    r"|view_as\w*|broadcast_\w+|expand_dims|atleast\w+|meshgrid|detach|adjoint|compile|vmap|cond"
    r"|unfold|flip\w*|rot90|triu|tril|squeeze|asanyarray|ascontiguousarray|nditer|lib"
)
FRESH = _pattern(
    rf"torch\.(?!({VIEWS})$)[a-z]\w*",
    r"torch\.(linalg|fft|special)\.\w+",
    r"torch\.nn\.functional\.(?!dropout|\w*dropout\w*|pad$|unfold$)\w+",
    r"torch\.autograd\.functional\.\w+",
    rf"numpy\.(?!({VIEWS})$)[a-z]\w*",
    r"inspect\.(getsource\w*|getdoc|is\w+|signature)",
    r"(math|operator|platform|time|statistics|json|re|string|textwrap)\.\w+",
    r"copy\.deepcopy",
    r"builtins\.(abs|bin|bool|bytes|callable|chr|complex|divmod|float|format|hash|hex|id|int"
    r"|isinstance|issubclass|len|ord|pow|print|range|repr|round|str|sum|type|hasattr|any|all)",
)
# A library function that changes its first argument, beside those whose names end in "_".
CHANGES_FIRST = _pattern(
    r"numpy\.(copyto|put|place|putmask|fill_diagonal|put_along_axis|random\.shuffle)",
    r"random\.shuffle",
    r"builtins\.(setattr|delattr)",
    r"torch\.optim\.(lr_scheduler|swa_utils)\.\w+",
    r"torch\.nn\.utils\.(?!rnn\.|parameters_to_vector).*",
    r"torch\.autograd\.(grad|backward)",
    r"json\.dump|pickle\.dump|operator\.i\w+|operator\.(set|del)item",
)
SETTINGS = _pattern(
    r"torch\.(\w+\.)*(set_|use_|enable_|_set|allow_)\w+",
    r"torch\.(autograd\.set\w+|no_grad|serialization\.\w+)",
    r"numpy\.(seterr|set_printoptions|errstate)",
    r"matplotlib\.(pyplot\.)?(rc|rcdefaults|rc_file|use|rcParams\..*|style\.use|switch_backend)",
    r"matplotlib\.(pyplot\.)?(style|rcParams)\..*",
    r"warnings\.(filterwarnings|simplefilter|resetwarnings)",
    r"torchvision\.(set_\w+|disable\w+)",
    r"os\.(environ\..*|putenv|unsetenv|chdir|umask)",
    r"sys\.(set\w+|\w+\.(append|insert|extend|remove|clear|pop|update))",
)
# What is set there, such as the address of a data set, changes nothing for other code.
ASKED_BY_NAME = ("matplotlib", "torchvision.datasets")
FILES_READ = _pattern(r"torch\.load", r"numpy\.(load\w*|genfromtxt|fromfile)", r"torch\.hub\.\w+")
FILES_WRITTEN = _pattern(
    r"torch\.save", r"numpy\.(save\w*)", r"matplotlib\.pyplot\.(savefig|imsave)"
)
FILES_USED = _pattern(
    r"builtins\.open|io\.open",
    r"os\.(?!path\.(join|basename|dirname|splitext|abspath)|getcwd|getpid|environ|cpu_count|fspath"
    r"|name|sep|linesep|sched\w+).*",
    r"(subprocess|tempfile|shutil)\..*",
)
UNFORESEEABLE = _words("exec eval globals locals vars compile __import__ input breakpoint")

# Methods, whatever the object; those of the section's own classes are walked instead.
PURE_METHODS = _words(
    """abs absolute acos all allclose amax amin angle any aminmax argmax argmin argsort
    as_integer_ratio asin atan baddbmm bincount bitwise_and bmm bool broadcast_to buffers
    byte capitalize ceil center char children cholesky chunk clamp clip clone conj
    contiguous copy cos count count_nonzero cov cross cummax cumprod cumsum data_ptr decode
    det detach diag diagonal diff dim dist div dot dtype element_size elements encode
    endswith eq equal erf exp exp2 expand expand_as expm1 extra_repr fill_diagonal find
    flatten flip floor fmod format frac gather ge get get_device get_submodule get_parameter
    gt hex histc imag index index_add index_copy index_fill index_select int inverse
    is_complex is_contiguous is_floating_point is_inference is_pinned is_set isalpha isclose
    isdigit isfinite isinf isnan isspace issubset item items join keys kthvalue le lerp
    ljust log log10 log1p log2 log_softmax logical_and logical_not logical_or logical_xor
    logit logsumexp lower lstrip lt manual masked_fill masked_select matmul max maximum mean
    median min minimum mm mode modules most_common movedim mul multiply mv name
    named_buffers named_children named_modules named_parameters nanmean nansum narrow ne neg
    negative nelement nonzero norm numel numpy outer parameters partition pdist permute pow
    prod quantile qr ravel reciprocal relu remainder removeprefix removesuffix repeat
    repeat_interleave replace reshape resolve_conj rfind rjust roll rot90 round rpartition
    rsplit rsqrt rstrip scatter scatter_add select sigmoid sign sin sinh size slogdet
    softmax split splitlines sqrt square squeeze startswith state_dict std storage_offset
    stride strip sub subtract sum svd swapaxes swapdims t take take_along_dim tan tanh
    tensor_split tile title tobytes tolist topk trace transpose tril triu true_divide trunc
    type_as unbind unfold union unflatten unique unique_consecutive unsqueeze
    untyped_storage upper values var view view_as where xlogy zfill bernoulli multinomial
    new_zeros new_ones new_full new_tensor new_empty with_suffix with_name relative_to
    as_posix get_total_flops total_seconds isoformat strftime transforms astype addmm
    float_power nanquantile searchsorted put_along_axis"""
)
# Pure for a tensor, but not for a list, a set or a module of these method names.
TENSOR_PURE = _words("add sort to cpu cuda float double half bfloat16 long short type index_put")
ASKS_FOR_SHAPE = _words("numel nelement size dim stride element_size is_contiguous data_ptr")
RAGGED = _words("nonzero unique unique_consecutive masked_select bincount repeat_interleave")
GIVES_PARTS = _words("parameters named_parameters children named_children modules buffers")
MODULE_CHANGES = _words("to cpu cuda float double half bfloat16 type")
MODULE_METHODS = _words(
    "train eval load_state_dict apply register_buffer register_parameter register_module add_module"
    " register_forward_hook register_forward_pre_hook register_full_backward_hook zero_grad append"
    " extend insert pop set_submodule set_extra_state compile share_memory fuse_model update clear"
    " setdefault register_full_backward_pre_hook"
)
FRESH_METHODS = _words(
    """item tolist numel dim size stride element_size data_ptr argmax argmin bincount count
    count_nonzero sum mean std var max min amax amin norm prod any all exp log sqrt square
    abs clone clamp cos sin softmax log_softmax sigmoid tanh relu matmul mm bmm mul add sub
    div pow lt gt le ge eq ne is_contiguous is_inference join format startswith endswith
    replace split strip removesuffix removeprefix partition rpartition upper lower encode
    decode bernoulli multinomial name median round cumsum cumprod reciprocal dot nonzero
    topk new_zeros new_ones masked_fill masked_select gather index_select repeat
    get_total_flops copy"""
)
GRAPH_ATTRIBUTES = _words("grad_fn next_functions variable")
PLAIN_ATTRIBUTES = _words(  # numbers and words about an object: they share nothing with it
    "shape dtype device ndim requires_grad is_leaf training type index itemsize nbytes is_cuda"
    " in_features out_features in_channels out_channels __name__ __module__ __version__ returncode"
    " stdout stderr"
)
TENSOR_ATTRIBUTES = _words("weight bias grad data T mT H mH real imag running_mean running_var")
# These show nothing: their results go on with what they were given.
QUIET = _words(
    "len isinstance issubclass type id list tuple set frozenset dict zip enumerate reversed iter"
    " next map filter sorted min max sum range any all abs round int float bool complex"
    " getattr hasattr super slice deepcopy copy"
)
MOST_CALLS = 2000  # in one cell, of functions of the section; lessons come to a fifth of that
MOST_WALKS = 20  # of one function in one cell; then it may do anything
RANDOM = ("torch", "numpy", "python")
SEEDING = {"torch": "torch.manual_seed(0)", "numpy": "numpy.random.seed(0)"}
SEEDING["python"] = "random.seed(0)"
DUNDERS = re.compile(r"__(?!init__|new__|init_subclass__)\w+__$")
METHODS = re.compile(r"(?!__init__$|__new__$|__init_subclass__$)")
# Of a network that is handed to an optimizer or a loss: neither calls it.
NOT_CALLED = re.compile(r"(?!__init__$|__new__$|__init_subclass__$|forward$|__call__$)")
CALLS_NETWORKS = _pattern(
    r"torch\.(func|jit|autograd|export|fx|onnx|utils\.(checkpoint|flop_counter|benchmark))\b.*",
    r"torch\.(compile|vmap|cond|while_loop)",
    r"torchvision\.(models\.feature_extraction|transforms)\b.*",
)
