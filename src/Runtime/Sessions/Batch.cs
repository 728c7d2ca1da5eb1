using Microsoft.ML.OnnxRuntime;
using TensorElementType = Microsoft.ML.OnnxRuntime.Tensors.TensorElementType;

namespace Lorq.Runtime.Sessions;

/// <summary>Samples that run in one call.</summary>
internal sealed class Batch(BatchLayout layout)
{
    private readonly List<SampleRows> samples = [];
    private readonly List<long> starts = [0];

    /// <summary>The samples, in order.</summary>
    public IReadOnlyList<SampleRows> Samples => samples;

    private long Rows => starts[^1];

    /// <summary>Whether a sample may be put behind those that are here.</summary>
    public bool Takes(SampleRows sample)
    {
        if (samples.Count == 0)
        {
            return true;
        }
        SampleRows first = samples[0];
        return first.Rows is not null
            && sample.Rows is { } more
            && Rows + more <= layout.MaxSize
            && Same(first.Sample.Options?.Outputs, sample.Sample.Options?.Outputs)
            && Same(first.Sample.Options?.Adapters, sample.Sample.Options?.Adapters)
            && first.Inputs.Count == sample.Inputs.Count
            && first.Inputs.Zip(sample.Inputs).All(pair => Together(pair.First, pair.Second));
    }

    /// <summary>Puts a sample behind the others.</summary>
    public void Add(SampleRows sample)
    {
        samples.Add(sample);
        starts.Add(Rows + (sample.Rows ?? 0));
    }

    /// <summary>The inputs of all samples, joined.</summary>
    public BatchInputs Join()
    {
        var joined = new BatchInputs();
        try
        {
            for (int i = 0; i < samples[0].Inputs.Count; i++)
            {
                SampleInput first = samples[0].Inputs[i];
                joined.Add(first.Axis < 0 ? first.Tensor : InputTensor.Of(first.Info.Name, joined.Own(Joined(i))));
            }
            return joined;
        }
        catch
        {
            joined.Dispose();
            throw;
        }
    }

    /// <summary>The outputs of one sample, copied from those of all.</summary>
    public LorqOutputs Cut(LorqOutputs all, int sample)
    {
        var values = new List<OrtValue>(all.Count);
        try
        {
            foreach (LorqOutput output in all)
            {
                values.Add(Cut(output, sample));
            }
        }
        catch
        {
            values.ForEach(v => v.Dispose());
            throw;
        }
        return new(new OwnedValues(null, [.. values]), [.. all.Select(o => layout.Output(o.Name))]);
    }

    private static bool Same(IReadOnlyList<string>? a, IReadOnlyList<string>? b) => (a ?? []).SequenceEqual(b ?? []);

    private bool Together(SampleInput a, SampleInput b)
    {
        if (a.Info != b.Info || a.Dims is null != b.Dims is null)
        {
            return false;
        }
        if (a.Dims is null || b.Dims is null)
        {
            return a.Axis < 0 && ReferenceEquals(a.Tensor.View().Given, b.Tensor.View().Given);
        }
        if (a.Axis < 0)
        {
            TensorView x = a.Tensor.View();
            TensorView y = b.Tensor.View();
            return a.Dims.SequenceEqual(b.Dims) && x.Bytes.SequenceEqual(y.Bytes) && x.Strings.SequenceEqual(y.Strings);
        }
        bool padded = layout.Padding(a.Info.Name) is not null;
        return a.Dims.Zip(b.Dims).Select((pair, i) => padded || i == a.Axis || pair.First == pair.Second).All(same => same);
    }

    /// <summary>The length of a batch's input in a dimension: all rows, and the longest of the rest.</summary>
    private long Length(int input, int dimension) =>
        dimension == samples[0].Inputs[input].Axis ? Rows : samples.Max(s => s.Inputs[input].Dims![dimension]);

    private OrtValue Joined(int input)
    {
        SampleInput first = samples[0].Inputs[input];
        long[] dims = [.. Enumerable.Range(0, first.Dims!.Length).Select(d => Length(input, d))];
        PadValue? pad = samples.Exists(s => s.Inputs[input].Dims!.Where((d, i) => i != first.Axis && d != dims[i]).Any())
            ? layout.Padding(first.Info.Name)
            : null;
        long[] at = new long[dims.Length];
        if (first.Info.ElementType == TensorElementType.String)
        {
            string[] texts = new string[Box.Elements(dims)];
            pad?.Fill(texts);
            for (int s = 0; s < samples.Count; s++)
            {
                SampleInput one = samples[s].Inputs[input];
                at[first.Axis] = starts[s];
                Box.Put(one.Tensor.View().Strings, one.Dims!, texts, dims, at, 1);
            }
            return Strings(texts, dims);
        }
        OrtValue value = OrtValue.CreateAllocatedTensorValue(OrtAllocator.DefaultInstance, first.Info.ElementType, dims);
        Span<byte> bytes = value.GetTensorMutableRawData();
        pad?.Fill(bytes);
        int size = Size(bytes.Length, dims);
        for (int s = 0; s < samples.Count; s++)
        {
            SampleInput one = samples[s].Inputs[input];
            at[first.Axis] = starts[s];
            Box.Put(one.Tensor.View().Bytes, one.Dims!, bytes, dims, at, size);
        }
        return value;
    }

    private OrtValue Cut(LorqOutput output, int sample)
    {
        TensorInfo info = layout.Output(output.Name);
        long[] dims = [.. output.Dimensions];
        int axis = Math.Max(0, layout.Axis(info));
        // A length that the model has written in is no number of rows, even where it happens to be the same.
        bool isFixed = axis < info.Dimensions.Count && info.Dimensions[axis].Length is not null;
        if (info.Kind != OnnxValueType.ONNX_TYPE_TENSOR || dims.Length <= axis || dims[axis] != Rows || isFixed)
        {
            throw new NotSupportedException(
                $"Output '{info.Name}' of a batch of {Rows} rows has shape [{string.Join(", ", dims)}], from which the rows of a sample cannot be cut; the model says {info}."
            );
        }
        long[] at = new long[dims.Length];
        at[axis] = starts[sample];
        long[] box = [.. dims.Select((d, i) => i == axis ? samples[sample].Rows!.Value : OwnLength(sample, info, i, d))];
        if (output.ElementType == TensorElementType.String)
        {
            string[] texts = new string[Box.Elements(box)];
            Box.Take<string>(output.ToStrings(), dims, at, texts, box, 1);
            return Strings(texts, box);
        }
        ReadOnlySpan<byte> all = output.Value.GetTensorMutableRawData();
        OrtValue value = OrtValue.CreateAllocatedTensorValue(OrtAllocator.DefaultInstance, output.ElementType, box);
        Box.Take(all, dims, at, value.GetTensorMutableRawData(), box, Size(all.Length, dims));
        return value;
    }

    /// <summary>The length of a dimension of an output without what the sample was filled up by.</summary>
    private long OwnLength(int sample, TensorInfo output, int dimension, long length)
    {
        if (dimension >= output.Dimensions.Count || output.Dimensions[dimension].Symbol is not { } symbol)
        {
            return length;
        }
        for (int i = 0; i < samples[sample].Inputs.Count; i++)
        {
            SampleInput input = samples[sample].Inputs[i];
            for (int d = 0; input.Axis >= 0 && d < input.Info.Dimensions.Count; d++)
            {
                if (string.Equals(input.Info.Dimensions[d].Symbol, symbol, StringComparison.Ordinal) && Length(i, d) == length)
                {
                    return input.Dims![d];
                }
            }
        }
        return length;
    }

    private static int Size(int bytes, long[] dims) => bytes == 0 ? 1 : (int)(bytes / Box.Elements(dims));

    private static OrtValue Strings(string[] texts, long[] dims)
    {
        OrtValue value = OrtValue.CreateTensorWithEmptyStrings(OrtAllocator.DefaultInstance, dims);
        for (int i = 0; i < texts.Length; i++)
        {
            value.StringTensorSetElementAt(texts[i].AsSpan(), i);
        }
        return value;
    }
}

/// <summary>The joined inputs of a batch, freed together.</summary>
internal sealed class BatchInputs : IDisposable
{
    private readonly List<InputTensor> tensors = [];
    private readonly List<OrtValue> owned = [];

    public IReadOnlyList<InputTensor> Tensors => tensors;

    public void Add(InputTensor tensor) => tensors.Add(tensor);

    public OrtValue Own(OrtValue value)
    {
        owned.Add(value);
        return value;
    }

    /// <inheritdoc/>
    public void Dispose() => owned.ForEach(v => v.Dispose());
}
