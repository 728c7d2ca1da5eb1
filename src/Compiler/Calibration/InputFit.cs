using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Lorq.Diagnostics;
using Lorq.Specs;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Calibration;

/// <summary>
/// Fits arrays to a model's inputs: names, element types (<see cref="Conversion"/>), ranks, fixed dimensions, finite values; and cuts
/// them into samples along the first axis.
/// </summary>
internal static class InputFit
{
    /// <summary>The samples in a set of arrays.</summary>
    /// <param name="arrays">By name.</param>
    /// <param name="inputs">What the model asks for.</param>
    /// <param name="source">The file, for errors.</param>
    /// <param name="isOneBatch">True when the arrays are one run of the model, not a stack of samples.</param>
    public static IEnumerable<Sample> Samples(
        IReadOnlyDictionary<string, DataTensor> arrays,
        IReadOnlyList<TensorSignature> inputs,
        string source,
        bool isOneBatch
    )
    {
        foreach (string name in arrays.Keys)
        {
            RequireInput(name, inputs, source);
        }
        var fitted = new Dictionary<string, DataTensor>(StringComparer.Ordinal);
        foreach (TensorSignature input in inputs)
        {
            if (!arrays.TryGetValue(input.Name, out DataTensor? array))
            {
                throw Catalogue.DataDoesNotFit.With(
                    source,
                    $"there is no array for input '{input.Name}' (there are {string.Join(", ", arrays.Keys)})"
                );
            }
            fitted.Add(input.Name, Conversion.Convert(array, input, source));
        }
        return isOneBatch ? [Whole(fitted, inputs, source)] : Cut(fitted, inputs, source);
    }

    /// <summary>Checks that the model has an input of this name.</summary>
    /// <exception cref="LorqException">LORQ0412, with the nearest name.</exception>
    public static void RequireInput(string name, IReadOnlyList<TensorSignature> inputs, string source)
    {
        if (inputs.All(i => i.Name != name))
        {
            string hint = NearestName.Find(name, [.. inputs.Select(i => i.Name)]) is { } near
                ? $"did you mean '{near}'?"
                : $"its inputs are {string.Join(", ", inputs.Select(i => $"'{i.Name}'"))}";
            throw Catalogue.DataDoesNotFit.With(source, $"the model has no input '{name}'; {hint}");
        }
    }

    private static Sample Whole(Dictionary<string, DataTensor> arrays, IReadOnlyList<TensorSignature> inputs, string source)
    {
        foreach (TensorSignature input in inputs)
        {
            CheckShape(arrays[input.Name].Shape, input, source);
            CheckFinite(arrays[input.Name], input.Name, source, 0);
        }
        return new Sample(arrays, false, new SampleOrigin(source, 0));
    }

    /// <summary>How one array divides into samples.</summary>
    /// <param name="Rows">Samples in it; null when every sample uses all of it.</param>
    /// <param name="Shape">Shape of one sample, the batch axis included.</param>
    private readonly record struct Division(int? Rows, long[] Shape);

    private static IEnumerable<Sample> Cut(Dictionary<string, DataTensor> arrays, IReadOnlyList<TensorSignature> inputs, string source)
    {
        Division[] divisions = [.. inputs.Select(i => Divide(arrays[i.Name].Shape, i, inputs, source))];
        int[] rows = [.. divisions.Select(d => d.Rows).OfType<int>().Distinct()];
        if (rows.Length > 1)
        {
            string counts = string.Join(", ", inputs.Zip(divisions, (i, d) => $"'{i.Name}' {d.Rows ?? 1}"));
            throw Catalogue.DataDoesNotFit.With(source, $"the arrays hold different numbers of samples: {counts}");
        }
        int samples = rows.Length == 0 ? 1 : rows[0];
        bool canJoin = inputs.All(i => i.Shape.Length > 0 && i.Shape[0] < 0);
        for (int s = 0; s < samples; s++)
        {
            var values = new Dictionary<string, DataTensor>(StringComparer.Ordinal);
            for (int i = 0; i < divisions.Length; i++)
            {
                DataTensor array = arrays[inputs[i].Name];
                int size = divisions[i].Rows is null ? 0 : array.Bytes.Length / samples;
                var value = divisions[i].Rows is null
                    ? array
                    : new DataTensor(array.ElementType, divisions[i].Shape, array.Bytes.AsSpan(s * size, size).ToArray());
                CheckFinite(value, inputs[i].Name, source, s);
                values[inputs[i].Name] = value;
            }
            yield return new Sample(values, canJoin, new SampleOrigin(source, s));
        }
    }

    /// <summary>
    /// With a symbolic batch axis every row is a sample. With a fixed one an array is one run, several one after another, or (with one
    /// axis more) a stack of runs. An input without a batch axis (a threshold, a sample rate) is the same for all samples.
    /// </summary>
    private static Division Divide(long[] shape, TensorSignature input, IReadOnlyList<TensorSignature> inputs, string source)
    {
        bool isStack = shape.Length == input.Shape.Length + 1;
        bool isFixed = input.Shape.All(d => d >= 0);
        bool othersAreBatched = inputs.Any(i => i.Shape.Length > 0 && i.Shape[0] < 0);
        if (!isStack && (shape.Length == 0 || (isFixed && othersAreBatched && shape.AsSpan().SequenceEqual(input.Shape))))
        {
            CheckShape(shape, input, source);
            return new(null, shape);
        }
        long perSample = input.Shape.Length == 0 || input.Shape[0] < 0 ? 1 : Math.Max(1, input.Shape[0]);
        long[] one = isStack ? shape[1..] : [perSample, .. shape.AsSpan(1)];
        CheckShape(one, input, source);
        long rows = isStack ? shape[0] : shape[0] / perSample;
        return isStack || shape[0] % perSample == 0
            ? new((int)rows, one)
            : throw Catalogue.DataDoesNotFit.With(
                source,
                $"'{input.Name}' has {shape[0]} rows, no multiple of the model's batch of {perSample}"
            );
    }

    private static void CheckShape(long[] shape, TensorSignature input, string source)
    {
        bool fits = shape.Length == input.Shape.Length && shape.Zip(input.Shape).All(p => p.Second < 0 || p.First == p.Second);
        if (!fits || shape.Any(d => d == 0))
        {
            string wanted = string.Join("×", input.Shape.Select((d, i) => d >= 0 ? d.ToString() : Symbol(input, i)));
            throw Catalogue.DataDoesNotFit.With(
                source,
                $"a sample of '{input.Name}' has the shape {string.Join("×", shape)}, but the model wants {wanted}"
            );
        }
    }

    private static string Symbol(TensorSignature input, int axis) =>
        input.DimensionNames.ElementAtOrDefault(axis) is { Length: > 0 } s ? s : "?";

    private static void CheckFinite(DataTensor tensor, string name, string source, int sample)
    {
        bool finite = tensor.ElementType switch
        {
            DataType.Float => TensorPrimitives.IsFiniteAll<float>(MemoryMarshal.Cast<byte, float>(tensor.Bytes)),
            DataType.Double => TensorPrimitives.IsFiniteAll<double>(MemoryMarshal.Cast<byte, double>(tensor.Bytes)),
            DataType.Float16 => TensorPrimitives.IsFiniteAll<Half>(MemoryMarshal.Cast<byte, Half>(tensor.Bytes)),
            _ => true,
        };
        if (!finite)
        {
            throw Catalogue.DataNotFinite.With(name, sample, source);
        }
    }
}
