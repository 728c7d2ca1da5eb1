using System.Runtime.InteropServices;
using Lorq.Decomposition;
using Lorq.Models;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Rewriting.Encodings;

/// <summary>
/// One factor of a low-rank pair, decoded at load: fp16 → Cast, or int8 → Cast → Mul by its fp16 scales. ONNX Runtime folds either
/// into the constant that the branch multiplies by; <c>DequantizeLinear</c> would run at every call.
/// </summary>
internal static class FactorValues
{
    /// <summary>Adds payloads and chain; the answer names a tensor of <paramref name="dims"/> in <paramref name="type"/>.</summary>
    /// <param name="builder">Where to write.</param>
    /// <param name="storage">How the factor is stored.</param>
    /// <param name="order">How the tensor holds the factor's rows×columns.</param>
    /// <param name="dims">Dims of the tensor as its reader wants it.</param>
    /// <param name="scaleDims">Dims of the scales, which broadcast against <paramref name="dims"/>; int8 only.</param>
    /// <param name="type">The element type that the reader wants.</param>
    /// <param name="factor">The values; called only while writing.</param>
    public static string Emit(
        ChainBuilder builder,
        FactorType storage,
        StorageOrder order,
        long[] dims,
        long[] scaleDims,
        DataType type,
        Func<Factor> factor
    )
    {
        long count = Product(dims);
        if (storage == FactorType.Float16)
        {
            string halves = builder.Store(
                DataType.Float16,
                dims,
                count * sizeof(short),
                () => FloatConversion.ToBytes(Ordered(factor().Values), DataType.Float16)
            );
            return type == DataType.Float16 ? halves : builder.Cast(halves, type);
        }
        string codes = builder.Store(DataType.Int8, dims, count, () => MemoryMarshal.AsBytes<sbyte>(Ordered(factor().Codes!)).ToArray());
        // One scale per line of the factor: the same sequence in every order.
        string scales = builder.Store(
            DataType.Float16,
            scaleDims,
            Product(scaleDims) * sizeof(short),
            () => FloatConversion.ToBytes(factor().Scales!, DataType.Float16)
        );
        // In fp32, whatever the reader wants: the product is exact there and rounded once.
        string values = builder.Add("Mul", [builder.Cast(codes, DataType.Float), builder.Cast(scales, DataType.Float)]);
        return type == DataType.Float ? values : builder.Cast(values, type);

        T[] Ordered<T>(T[] values) => order.Apply(values, factor().Rows, factor().Columns);
    }

    private static long Product(long[] dims) => dims.Aggregate(1L, (a, d) => a * d);
}
