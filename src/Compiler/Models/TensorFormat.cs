using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Lorq.Diagnostics;
using Lorq.Onnx;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Models;

/// <summary>Sizes of ONNX element types, and the raw form of values that a tensor keeps in typed fields.</summary>
internal static class TensorFormat
{
    /// <summary>Bits of one element; 0 for strings and unknown types.</summary>
    public static int Bits(int dataType) =>
        (DataType)dataType switch
        {
            DataType.Complex128 => 128,
            DataType.Double or DataType.Int64 or DataType.Uint64 or DataType.Complex64 => 64,
            DataType.Float or DataType.Int32 or DataType.Uint32 => 32,
            DataType.Float16 or DataType.Bfloat16 or DataType.Int16 or DataType.Uint16 => 16,
            DataType.Int8
            or DataType.Uint8
            or DataType.Bool
            or DataType.Float8E4M3Fn
            or DataType.Float8E4M3Fnuz
            or DataType.Float8E5M2
            or DataType.Float8E5M2Fnuz
            or DataType.Float8E8M0 => 8,
            DataType.Uint4 or DataType.Int4 or DataType.Float4E2M1 => 4,
            DataType.Uint2 or DataType.Int2 => 2,
            _ => 0,
        };

    /// <summary>Number of elements, with overflow and negative dimensions refused.</summary>
    public static long Count(TensorProto tensor)
    {
        long count = 1;
        foreach (long d in tensor.Dims)
        {
            if (d < 0 || (d > 0 && count > long.MaxValue / 256 / d))
            {
                throw Catalogue.MalformedTensor.With(tensor.Name, $"its dimensions [{string.Join(", ", tensor.Dims)}] are absurd");
            }
            count *= d;
        }
        return count;
    }

    /// <summary>Bytes of the raw form.</summary>
    public static long RawBytes(TensorProto tensor) => (Count(tensor) * Bits(tensor.DataType) + 7) / 8;

    /// <summary>Checks that stored bytes fit the description.</summary>
    public static void RequireLength(TensorProto tensor, long actual)
    {
        long expected = RawBytes(tensor);
        if (actual != expected)
        {
            throw Catalogue.MalformedTensor.With(
                tensor.Name,
                $"[{string.Join(", ", tensor.Dims)}] of type {(DataType)tensor.DataType} takes {expected} bytes, but {actual} are stored"
            );
        }
    }

    /// <summary>Elements in typed fields; −1 when the tensor uses none.</summary>
    public static int TypedLength(TensorProto t) =>
        t.FloatData.Count + t.Int32Data.Count + t.Int64Data.Count + t.DoubleData.Count + t.Uint64Data.Count;

    /// <summary>The raw form of values in typed fields.</summary>
    public static byte[] FromTypedFields(TensorProto t)
    {
        byte[] bytes = (DataType)t.DataType switch
        {
            DataType.Float or DataType.Complex64 => MemoryMarshal.AsBytes<float>(t.FloatData.ToArray()).ToArray(),
            DataType.Double or DataType.Complex128 => MemoryMarshal.AsBytes<double>(t.DoubleData.ToArray()).ToArray(),
            DataType.Int64 => MemoryMarshal.AsBytes<long>(t.Int64Data.ToArray()).ToArray(),
            DataType.Uint64 => MemoryMarshal.AsBytes<ulong>(t.Uint64Data.ToArray()).ToArray(),
            DataType.Uint32 => MemoryMarshal.AsBytes<uint>(t.Uint64Data.Select(v => (uint)v).ToArray()).ToArray(),
            DataType.Int32 => MemoryMarshal.AsBytes<int>(t.Int32Data.ToArray()).ToArray(),
            DataType.Int16 or DataType.Uint16 or DataType.Float16 or DataType.Bfloat16 => MemoryMarshal
                .AsBytes<ushort>(t.Int32Data.Select(v => (ushort)v).ToArray())
                .ToArray(),
            _ => [.. t.Int32Data.Select(v => (byte)v)],
        };
        RequireLength(t, bytes.Length);
        return bytes;
    }

    /// <summary>Float values of any float type as fp32.</summary>
    public static float[] ToFloats(TensorProto tensor, ReadOnlySpan<byte> raw)
    {
        switch ((DataType)tensor.DataType)
        {
            case DataType.Float:
                return MemoryMarshal.Cast<byte, float>(raw).ToArray();
            case DataType.Float16:
                var fromHalf = new float[raw.Length / 2];
                System.Numerics.Tensors.TensorPrimitives.ConvertToSingle(MemoryMarshal.Cast<byte, Half>(raw), fromHalf);
                return fromHalf;
            case DataType.Bfloat16:
                var values = new float[raw.Length / 2];
                for (int i = 0; i < values.Length; i++)
                {
                    values[i] = BitConverter.Int32BitsToSingle(BinaryPrimitives.ReadUInt16LittleEndian(raw[(2 * i)..]) << 16);
                }
                return values;
            case DataType.Double:
                ReadOnlySpan<double> doubles = MemoryMarshal.Cast<byte, double>(raw);
                var narrowed = new float[doubles.Length];
                System.Numerics.Tensors.TensorPrimitives.ConvertTruncating(doubles, narrowed);
                return narrowed;
            default:
                throw Catalogue.MalformedTensor.With(tensor.Name, $"a float type was expected, but it is {(DataType)tensor.DataType}");
        }
    }

    /// <summary>Integer values (int64, int32) as int64, for shapes and axes; null for other types.</summary>
    public static long[]? ToIntegers(TensorProto tensor, ReadOnlySpan<byte> raw) =>
        (DataType)tensor.DataType switch
        {
            DataType.Int64 => MemoryMarshal.Cast<byte, long>(raw).ToArray(),
            DataType.Int32 => [.. MemoryMarshal.Cast<byte, int>(raw).ToArray().Select(v => (long)v)],
            _ => null,
        };
}
