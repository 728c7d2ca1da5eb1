using Microsoft.ML.OnnxRuntime;

namespace Lorq.Runtime.Sessions;

/// <summary>Where the rows of a batch lie in the inputs and outputs of a model, and what fills up those that are short.</summary>
internal sealed class BatchLayout
{
    private readonly Signature signature;
    private readonly bool checkNames;
    private readonly TensorDimension batch;
    private readonly Dictionary<string, PadValue> padding = new(StringComparer.Ordinal);

    public BatchLayout(Signature signature, LorqBatchOptions options, bool checkNames)
    {
        this.signature = signature;
        this.checkNames = checkNames;
        MaxSize = options.MaxSize;
        batch = options.Dimension is { } name
            ? new(null, name)
            : signature.Inputs.Select(i => i.Dimensions).FirstOrDefault(d => d.Count > 0)?[0] ?? new(1, null);
        if (batch.Length is not null)
        {
            throw new NotSupportedException("The first dimension of the model's first input is fixed: samples cannot be put into batches.");
        }
        if (options.Dimension is not null && signature.Inputs.Concat(signature.OptionalInputs).All(i => Axis(i) < 0))
        {
            throw new ArgumentException($"No input of the model has a dimension '{options.Dimension}'.", nameof(options));
        }
        foreach (PadValue value in options.Padding)
        {
            TensorInfo info =
                signature.Find(value.Input)
                ?? throw new ArgumentException($"The model has no input '{value.Input}', for which there is padding.", nameof(options));
            if (info.Kind != OnnxValueType.ONNX_TYPE_TENSOR || info.ElementType != value.ElementType)
            {
                throw new InvalidTensorException(
                    $"The padding of input '{info.Name}' is {value.ElementType}; the model says {info}.",
                    info.Name
                );
            }
            padding[info.Name] = value;
        }
    }

    /// <summary>The most rows of a batch.</summary>
    public int MaxSize { get; }

    /// <summary>What fills up an input; null: nothing.</summary>
    public PadValue? Padding(string input) => padding.GetValueOrDefault(input);

    /// <summary>The model's statement of an output.</summary>
    public TensorInfo Output(string name) => signature.Output(name);

    /// <summary>The dimension that rows lie along; −1: the tensor has none.</summary>
    public int Axis(TensorInfo info)
    {
        for (int i = 0; i < info.Dimensions.Count; i++)
        {
            TensorDimension d = info.Dimensions[i];
            // A free dimension without a name is the batch's only where that is the first and has no name either.
            if (d.Length is null && string.Equals(d.Symbol, batch.Symbol, StringComparison.Ordinal) && (d.Symbol is not null || i == 0))
            {
                return i;
            }
        }
        return -1;
    }

    /// <summary>Checks a sample as a call would, so that nothing wrong is hidden by the others of its batch.</summary>
    public SampleRows Check(BatchSample sample)
    {
        ArgumentNullException.ThrowIfNull(sample);
        var inputs = new List<SampleInput>(sample.Inputs.Count);
        NamedDimensions? named = checkNames ? new() : null;
        long? rows = null;
        foreach (InputTensor tensor in sample.Inputs)
        {
            ArgumentNullException.ThrowIfNull(tensor, nameof(sample));
            TensorView view = tensor.View();
            long[]? dims = signature.Check(view, named);
            TensorInfo info = signature.Find(tensor.Name)!;
            int axis = Axis(info);
            if (dims is not null && axis >= 0)
            {
                if (rows is { } before && before != dims[axis])
                {
                    throw new InvalidTensorException(
                        $"Input '{info.Name}' has {dims[axis]} rows and another input of the sample {before}; the model says {info}.",
                        info.Name
                    );
                }
                rows = dims[axis];
            }
            inputs.Add(new(tensor, info, dims, axis));
        }
        signature.CheckComplete([.. inputs.Select(i => i.Info.Name)]);
        inputs.Sort((a, b) => string.CompareOrdinal(a.Info.Name, b.Info.Name));
        return new(sample, inputs, rows);
    }
}

/// <summary>An input of a sample.</summary>
/// <param name="Tensor">What was given.</param>
/// <param name="Info">What the model says.</param>
/// <param name="Dims">Its lengths; null for a value of ONNX Runtime's own, which is not copied.</param>
/// <param name="Axis">The dimension that rows lie along; −1: none.</param>
internal sealed record SampleInput(InputTensor Tensor, TensorInfo Info, long[]? Dims, int Axis);

/// <summary>A sample that is checked.</summary>
/// <param name="Sample">The sample.</param>
/// <param name="Inputs">Its inputs, ordered by name.</param>
/// <param name="Rows">How many rows it has; null: it has none to be put behind others.</param>
internal sealed record SampleRows(BatchSample Sample, IReadOnlyList<SampleInput> Inputs, long? Rows);
