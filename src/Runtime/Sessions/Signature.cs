using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Lorq.Runtime.Sessions;

/// <summary>What a model takes and gives, and whether tensors fit it.</summary>
internal sealed class Signature
{
    private readonly string model;
    private readonly Dictionary<string, TensorInfo> inputs;
    private readonly Dictionary<string, TensorInfo> outputs;

    public Signature(string model, InferenceSession session)
    {
        this.model = model;
        IEnumerable<string> optional = session.InputNames.Where(n => IsOptional(session.InputMetadata[n]));
        Inputs = [.. session.InputNames.Except(optional).Select(n => Describe(n, session.InputMetadata[n]))];
        Outputs = [.. session.OutputNames.Select(n => Describe(n, session.OutputMetadata[n]))];
        OptionalInputs =
        [
            .. optional.Select(n => Describe(n, session.InputMetadata[n].AsOptionalMetadata().ElementMeta)),
            .. session.OverridableInitializerMetadata.Select(m => Describe(m.Key, m.Value)),
        ];
        OutputNames = [.. Outputs.Select(o => o.Name)];
        inputs = Inputs.Concat(OptionalInputs).ToDictionary(i => i.Name, StringComparer.Ordinal);
        outputs = Outputs.ToDictionary(o => o.Name, StringComparer.Ordinal);
    }

    public IReadOnlyList<TensorInfo> Inputs { get; }
    public IReadOnlyList<TensorInfo> OptionalInputs { get; }
    public IReadOnlyList<TensorInfo> Outputs { get; }
    public IReadOnlyList<string> OutputNames { get; }

    /// <summary>The input of a name, optional or not; null: there is none.</summary>
    public TensorInfo? Find(string input) => inputs.GetValueOrDefault(input);

    /// <summary>Checks an input; returns its dimensions, or null where ONNX Runtime knows them.</summary>
    /// <param name="view">The input.</param>
    /// <param name="named">The lengths of named dimensions in the inputs that were checked before; null: names are not compared.</param>
    public long[]? Check(in TensorView view, NamedDimensions? named)
    {
        string name = view.Name!;
        if (!inputs.TryGetValue(name, out TensorInfo? info))
        {
            throw Fault($"{model} has no input '{name}'. Its inputs: {Names(Inputs.Concat(OptionalInputs))}.", name);
        }
        string what = $"Input '{name}' of {model}";
        if (view.Given is { } given)
        {
            CheckKind(what, info, given.OnnxType);
            if (given.IsTensor)
            {
                OrtTensorTypeAndShapeInfo shape = given.GetTensorTypeAndShape();
                Check(what, info, shape.ElementDataType, shape.Shape, null);
                named?.Add(what, info, shape.Shape);
            }
            return null;
        }
        CheckKind(what, info, OnnxValueType.ONNX_TYPE_TENSOR);
        long[] dims = view.Dims();
        Check(what, info, view.ElementType, dims, view.Length);
        named?.Add(what, info, dims);
        return dims;
    }

    /// <summary>Checks a buffer for an output; returns its dimensions.</summary>
    public long[] Check(in TensorBuffer buffer)
    {
        string name = buffer.Name!;
        TensorInfo info = Output(name);
        string what = Buffer(name);
        CheckKind(what, info, OnnxValueType.ONNX_TYPE_TENSOR);
        long[] dims = buffer.Dims();
        Check(what, info, buffer.ElementType, dims, buffer.Length);
        return dims;
    }

    /// <summary>The buffer for an output as an error states it.</summary>
    public string Buffer(string name) => $"The buffer for output '{name}' of {model}";

    /// <summary>The output of a name.</summary>
    public TensorInfo Output(string name) =>
        outputs.TryGetValue(name, out TensorInfo? info)
            ? info
            : throw Fault($"{model} has no output '{name}'. Its outputs: {Names(Outputs)}.", name);

    /// <summary>Checks that no name comes twice and that every required input is there.</summary>
    public void CheckComplete(IReadOnlyList<string> given)
    {
        CheckDistinct(given, "input");
        if (Inputs.FirstOrDefault(i => !given.Contains(i.Name, StringComparer.Ordinal)) is { } missing)
        {
            throw Fault($"Input '{missing.Name}' of {model} is missing. It is {missing}.", missing.Name);
        }
    }

    /// <summary>Checks that no name comes twice.</summary>
    public void CheckDistinct(IReadOnlyList<string> given, string kind)
    {
        for (int i = 1; i < given.Count; i++)
        {
            for (int j = 0; j < i; j++)
            {
                if (string.Equals(given[i], given[j], StringComparison.Ordinal))
                {
                    throw Fault($"The {kind} '{given[i]}' of {model} is given twice.", given[i]);
                }
            }
        }
    }

    private static void CheckKind(string what, TensorInfo info, OnnxValueType kind)
    {
        if (info.Kind != kind)
        {
            throw Fault($"{what} is {Kind(kind)}; the model says {info}.", info.Name);
        }
    }

    private static void Check(string what, TensorInfo info, TensorElementType type, long[] dims, int? length)
    {
        if (type != info.ElementType)
        {
            throw Fault($"{what} has element type {type}; the model says {info}.", info.Name);
        }
        if (info.Dimensions.Count > 0 && info.Dimensions.Count != dims.Length)
        {
            throw Fault($"{what} has rank {dims.Length}, shape {Shape(dims)}; the model says {info}.", info.Name);
        }
        for (int i = 0; i < dims.Length; i++)
        {
            if (dims[i] < 0)
            {
                throw Fault($"{what} has shape {Shape(dims)}: dimension {i} is negative.", info.Name);
            }
            if (i < info.Dimensions.Count && info.Dimensions[i].Length is { } expected && expected != dims[i])
            {
                throw Fault(
                    $"{what} has shape {Shape(dims)}: dimension {i} is {dims[i]}, not {expected}; the model says {info}.",
                    info.Name
                );
            }
        }
        if (length is { } elements && !Holds(dims, elements))
        {
            throw Fault($"{what} has {elements} elements, which shape {Shape(dims)} does not hold.", info.Name);
        }
    }

    private static string Shape(long[] dims) => $"[{string.Join(", ", dims)}]";

    private static bool Holds(long[] dims, int elements)
    {
        if (Array.IndexOf(dims, 0L) >= 0)
        {
            return elements == 0;
        }
        long product = 1;
        foreach (long dim in dims)
        {
            if (dim > elements || (product *= dim) > elements) // no overflow: both factors are below 2^31
            {
                return false;
            }
        }
        return product == elements;
    }

    private static bool IsOptional(NodeMetadata node) => node.OnnxValueType == OnnxValueType.ONNX_TYPE_OPTIONAL;

    private static TensorInfo Describe(string name, NodeMetadata node)
    {
        if (!node.IsTensor)
        {
            return new(name, node.OnnxValueType, TensorElementType.DataTypeMax, []);
        }
        string[] symbols = node.SymbolicDimensions;
        return new(
            name,
            node.OnnxValueType,
            node.ElementDataType,
            [
                .. node.Dimensions.Select(
                    (length, i) =>
                        length >= 0
                            ? new TensorDimension(length, null)
                            : new(null, i < symbols.Length && symbols[i].Length > 0 ? symbols[i] : null)
                ),
            ]
        );
    }

    private static string Names(IEnumerable<TensorInfo> tensors) => string.Join(", ", tensors.Select(t => $"'{t.Name}'"));

    private static string Kind(OnnxValueType kind) =>
        kind switch
        {
            OnnxValueType.ONNX_TYPE_TENSOR => "a tensor",
            OnnxValueType.ONNX_TYPE_SEQUENCE => "a sequence",
            OnnxValueType.ONNX_TYPE_MAP => "a map",
            _ => kind.ToString(),
        };

    private static InvalidTensorException Fault(string message, string tensor) => new(message, tensor);
}
