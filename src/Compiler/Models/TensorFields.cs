using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Google.Protobuf.Collections;
using Lorq.Onnx;
using static Lorq.Onnx.TensorProto.Types;

namespace Lorq.Models;

/// <summary>The typed fields of a tensor (float_data, int32_data, …), the old alternative to raw_data.</summary>
internal static class TensorFields
{
    /// <summary>How many entries the field that belongs to the tensor's type must have, how many it has, and its name.</summary>
    /// <returns>Null when the type has no such field.</returns>
    public static (string Field, long Needed, long Held)? Count(TensorProto tensor, long elements)
    {
        DataType type = TensorLayout.ElementType(tensor);
        return type switch
        {
            DataType.Float => ("float_data", elements, tensor.FloatData.Count),
            DataType.Complex64 => ("float_data", 2 * elements, tensor.FloatData.Count),
            DataType.Double => ("double_data", elements, tensor.DoubleData.Count),
            DataType.Complex128 => ("double_data", 2 * elements, tensor.DoubleData.Count),
            DataType.Int64 => ("int64_data", elements, tensor.Int64Data.Count),
            DataType.Uint32 or DataType.Uint64 => ("uint64_data", elements, tensor.Uint64Data.Count),
            DataType.String => ("string_data", elements, tensor.StringData.Count),
            // Types below a byte are packed: each entry carries one byte of elements.
            _ => TensorLayout.Bits(type) is { } bits
                ? ("int32_data", bits < 8 ? (elements * bits + 7) / 8 : elements, tensor.Int32Data.Count)
                : null,
        };
    }

    /// <summary>The field's values as little-endian raw data. The caller has checked the count.</summary>
    public static byte[] ToRaw(TensorProto tensor, int byteCount)
    {
        var raw = new byte[byteCount];
        switch (TensorLayout.ElementType(tensor))
        {
            case DataType.Float or DataType.Complex64:
                Copy(tensor.FloatData, raw);
                break;
            case DataType.Double or DataType.Complex128:
                Copy(tensor.DoubleData, raw);
                break;
            case DataType.Int64:
                Copy(tensor.Int64Data, raw);
                break;
            case DataType.Uint64:
                Copy(tensor.Uint64Data, raw);
                break;
            case DataType.Uint32:
                for (int i = 0; i < tensor.Uint64Data.Count; i++)
                {
                    BinaryPrimitives.WriteUInt32LittleEndian(raw.AsSpan(4 * i), (uint)tensor.Uint64Data[i]);
                }
                break;
            case DataType.Int32:
                Copy(tensor.Int32Data, raw);
                break;
            case DataType.Int16 or DataType.Uint16 or DataType.Float16 or DataType.Bfloat16:
                for (int i = 0; i < tensor.Int32Data.Count; i++)
                {
                    BinaryPrimitives.WriteUInt16LittleEndian(raw.AsSpan(2 * i), (ushort)tensor.Int32Data[i]);
                }
                break;
            default:
                for (int i = 0; i < tensor.Int32Data.Count; i++)
                {
                    raw[i] = (byte)tensor.Int32Data[i];
                }
                break;
        }
        return raw;
    }

    private static void Copy<T>(RepeatedField<T> values, byte[] raw)
        where T : unmanaged
    {
        Span<T> destination = MemoryMarshal.Cast<byte, T>(raw.AsSpan());
        for (int i = 0; i < values.Count; i++)
        {
            destination[i] = values[i];
        }
    }
}
