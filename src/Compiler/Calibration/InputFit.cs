using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Lorq.Diagnostics;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Calibration;

/// <summary>
/// Fits arrays to a model's inputs: names, element types (int32 widened to int64, double narrowed to float), ranks, fixed dimensions,
/// finite values; and cuts them into samples along the first axis.
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
        foreach (string name in arrays.Keys.Where(n => inputs.All(i => i.Name != n)))
        {
            throw Catalogue.DataDoesNotFit.With(source, $"the model has no input '{name}'; its inputs are {Names(inputs)}");
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
            fitted.Add(input.Name, Convert(array, input, source));
        }
        return isOneBatch ? [Whole(fitted, inputs, source)] : Cut(fitted, inputs, source);
    }

    private static Sample Whole(Dictionary<string, DataTensor> arrays, IReadOnlyList<TensorSignature> inputs, string source)
    {
        foreach (TensorSignature input in inputs)
        {
            CheckShape(arrays[input.Name].Shape, input, source);
            CheckFinite(arrays[input.Name], input.Name, source, 0);
        }
        return new Sample(arrays, false);
    }

    private static IEnumerable<Sample> Cut(Dictionary<string, DataTensor> arrays, IReadOnlyList<TensorSignature> inputs, string source)
    {
        bool isSymbolic = inputs.All(i => i.Shape.Length > 0 && i.Shape[0] < 0);
        // With a fixed batch, each array is either one run, several runs one after another, or a stack of runs.
        int[] rows = new int[inputs.Count];
        for (int i = 0; i < inputs.Count; i++)
        {
            (long[] shape, TensorSignature input) = (arrays[inputs[i].Name].Shape, inputs[i]);
            bool stacked = shape.Length == input.Shape.Length + 1;
            int perSample = isSymbolic || stacked || input.Shape.Length == 0 ? 1 : (int)Math.Max(1, input.Shape[0]);
            long[] one =
                shape.Length == 0 ? shape
                : stacked ? shape[1..]
                : [perSample, .. shape.AsSpan(1)];
            CheckShape(one, input, source);
            if (shape.Length > 0 && shape[0] % perSample != 0)
            {
                throw Catalogue.DataDoesNotFit.With(
                    source,
                    $"'{input.Name}' has {shape[0]} rows, no multiple of the model's batch of {perSample}"
                );
            }
            rows[i] = shape.Length == 0 ? 1 : (int)(shape[0] / perSample);
        }
        if (rows.Distinct().Count() > 1)
        {
            string counts = string.Join(", ", inputs.Zip(rows, (i, r) => $"'{i.Name}' {r}"));
            throw Catalogue.DataDoesNotFit.With(source, $"the arrays hold different numbers of samples: {counts}");
        }
        for (int s = 0; s < (rows.Length > 0 ? rows[0] : 0); s++)
        {
            var values = new Dictionary<string, DataTensor>(StringComparer.Ordinal);
            foreach (TensorSignature input in inputs)
            {
                DataTensor array = arrays[input.Name];
                int size = array.Bytes.Length / rows[0];
                long[] shape =
                    array.Shape.Length == input.Shape.Length + 1 ? array.Shape[1..]
                    : array.Shape.Length == 0 ? array.Shape
                    : [array.Shape[0] / rows[0], .. array.Shape.AsSpan(1)];
                values[input.Name] = new DataTensor(array.ElementType, shape, array.Bytes.AsSpan(s * size, size).ToArray());
                CheckFinite(values[input.Name], input.Name, source, s);
            }
            yield return new Sample(values, isSymbolic);
        }
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

    private static DataTensor Convert(DataTensor array, TensorSignature input, string source)
    {
        if (array.ElementType == input.ElementType)
        {
            return array;
        }
        byte[]? converted = (array.ElementType, input.ElementType) switch
        {
            (DataType.Int32, DataType.Int64) => To<int, long>(array.Bytes),
            (DataType.Int16, DataType.Int64) => To<short, long>(array.Bytes),
            (DataType.Uint8, DataType.Int64) => To<byte, long>(array.Bytes),
            (DataType.Uint16, DataType.Int64) => To<ushort, long>(array.Bytes),
            (DataType.Int64, DataType.Int32) when Fits(array.Bytes) => To<long, int>(array.Bytes),
            (DataType.Double, DataType.Float) => To<double, float>(array.Bytes),
            (DataType.Float16, DataType.Float) => To<Half, float>(array.Bytes),
            (DataType.Float, DataType.Float16) => To<float, Half>(array.Bytes),
            _ => null,
        };
        return converted is not null
            ? array with
            {
                ElementType = input.ElementType,
                Bytes = converted,
            }
            : throw Catalogue.DataDoesNotFit.With(
                source,
                $"'{input.Name}' is {array.ElementType}, but the model wants {input.ElementType}"
            );
    }

    private static byte[] To<TFrom, TTo>(byte[] bytes)
        where TFrom : unmanaged, System.Numerics.INumberBase<TFrom>
        where TTo : unmanaged, System.Numerics.INumberBase<TTo>
    {
        ReadOnlySpan<TFrom> from = MemoryMarshal.Cast<byte, TFrom>(bytes);
        var to = new TTo[from.Length];
        TensorPrimitives.ConvertTruncating(from, to);
        return MemoryMarshal.AsBytes(to.AsSpan()).ToArray();
    }

    private static bool Fits(byte[] bytes)
    {
        foreach (long v in MemoryMarshal.Cast<byte, long>(bytes))
        {
            if (v is < int.MinValue or > int.MaxValue)
            {
                return false;
            }
        }
        return true;
    }

    private static string Names(IReadOnlyList<TensorSignature> inputs) => string.Join(", ", inputs.Select(i => $"'{i.Name}'"));
}
