using Lorq.Diagnostics;
using Lorq.Onnx;
using static Lorq.Onnx.TensorProto.Types;

namespace Lorq.Models;

/// <summary>Sizes of element types and tensors.</summary>
internal static class TensorLayout
{
    /// <summary>Bits of one element; null for strings, undefined and types of later IR versions.</summary>
    public static int? Bits(DataType type) =>
        type switch
        {
            DataType.Uint2 or DataType.Int2 => 2,
            DataType.Uint4 or DataType.Int4 or DataType.Float4E2M1 => 4,
            DataType.Uint8 or DataType.Int8 or DataType.Bool => 8,
            DataType.Float8E4M3Fn or DataType.Float8E4M3Fnuz or DataType.Float8E5M2 or DataType.Float8E5M2Fnuz or DataType.Float8E8M0 => 8,
            DataType.Uint16 or DataType.Int16 or DataType.Float16 or DataType.Bfloat16 => 16,
            DataType.Uint32 or DataType.Int32 or DataType.Float => 32,
            DataType.Uint64 or DataType.Int64 or DataType.Double or DataType.Complex64 => 64,
            DataType.Complex128 => 128,
            _ => null,
        };

    /// <summary>True for the types whose values this compiler reads as fp32.</summary>
    public static bool IsFloat(DataType type) => type is DataType.Float or DataType.Float16 or DataType.Bfloat16 or DataType.Double;

    /// <summary>The element type of a tensor.</summary>
    public static DataType ElementType(TensorProto tensor) => (DataType)tensor.DataType;

    /// <summary>Dimensions for messages, for example <c>384, 1536</c>.</summary>
    public static string Describe(IEnumerable<long> dimensions) => string.Join(", ", dimensions);

    /// <summary>Product of the dimensions: 1 for a scalar, 0 when any is 0.</summary>
    /// <param name="tensor">The tensor.</param>
    /// <param name="path">The model, for the error.</param>
    /// <param name="label">The tensor, for the error.</param>
    /// <exception cref="LorqException">A dimension is negative, or the size in bytes does not fit in 64 bits.</exception>
    public static long ElementCount(TensorProto tensor, string path, Func<string> label)
    {
        UInt128 count = 1;
        foreach (long dimension in tensor.Dims)
        {
            if (dimension < 0)
            {
                throw Catalogue.BadDimensions.With(path, label(), Describe(tensor.Dims), "are negative");
            }
            // Once beyond 64 bits it stays there (unless a dimension is 0), so the product never wraps around.
            count = count > long.MaxValue && dimension != 0 ? count : count * (ulong)dimension;
        }
        return count <= long.MaxValue / 128
            ? (long)count
            : throw Catalogue.BadDimensions.With(path, label(), Describe(tensor.Dims), "multiply to more than any memory holds");
    }

    /// <summary>Bytes of a tensor's raw data; null when its type has no fixed size.</summary>
    public static long? ByteCount(TensorProto tensor, long elements) =>
        Bits(ElementType(tensor)) is { } bits ? (elements * bits + 7) / 8 : null;
}
