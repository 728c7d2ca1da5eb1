using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using static Lorq.Onnx.TensorProto.Types;

namespace Lorq.Models;

/// <summary>Conversions between the float types of ONNX, rounding to nearest even as its <c>Cast</c> does.</summary>
internal static class FloatConversion
{
    /// <summary>Little-endian raw data of a float type as fp32, widened (double: rounded).</summary>
    public static void ToSingle(ReadOnlySpan<byte> raw, DataType type, Span<float> values)
    {
        switch (type)
        {
            case DataType.Float:
                raw.CopyTo(MemoryMarshal.AsBytes(values));
                break;
            case DataType.Float16:
                TensorPrimitives.ConvertToSingle(MemoryMarshal.Cast<byte, Half>(raw), values);
                break;
            case DataType.Bfloat16:
                ReadOnlySpan<ushort> halves = MemoryMarshal.Cast<byte, ushort>(raw);
                for (int i = 0; i < halves.Length; i++)
                {
                    values[i] = BitConverter.UInt32BitsToSingle((uint)halves[i] << 16);
                }
                break;
            case DataType.Double:
                TensorPrimitives.ConvertTruncating(MemoryMarshal.Cast<byte, double>(raw), values);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(type), type, "not a float type");
        }
    }

    /// <summary>Values as little-endian raw data of fp32, fp16 or bf16, rounded.</summary>
    public static byte[] ToBytes(float[] values, DataType type)
    {
        switch (type)
        {
            case DataType.Float:
                return MemoryMarshal.AsBytes<float>(values).ToArray();
            case DataType.Float16:
                var halves = new Half[values.Length];
                TensorPrimitives.ConvertToHalf(values, halves);
                return MemoryMarshal.AsBytes<Half>(halves).ToArray();
            case DataType.Bfloat16:
                var upper = new ushort[values.Length];
                for (int i = 0; i < upper.Length; i++)
                {
                    upper[i] = (ushort)(BitConverter.SingleToUInt32Bits(RoundToBrain(values[i])) >> 16);
                }
                return MemoryMarshal.AsBytes<ushort>(upper).ToArray();
            default:
                throw new ArgumentOutOfRangeException(nameof(type), type, "not a float type that weights are written in");
        }
    }

    /// <summary>Rounds values in place to what they are after a <c>Cast</c> to a float type.</summary>
    public static void Round(Span<float> values, DataType type)
    {
        switch (type)
        {
            case DataType.Float16:
                for (int i = 0; i < values.Length; i++)
                {
                    values[i] = (float)(Half)values[i];
                }
                break;
            case DataType.Bfloat16:
                for (int i = 0; i < values.Length; i++)
                {
                    values[i] = RoundToBrain(values[i]);
                }
                break;
            default:
                break;
        }
    }

    private static float RoundToBrain(float value)
    {
        if (float.IsNaN(value))
        {
            return value;
        }
        uint bits = BitConverter.SingleToUInt32Bits(value);
        uint rounded = bits + 0x7FFF + ((bits >> 16) & 1);
        return BitConverter.UInt32BitsToSingle(rounded & 0xFFFF0000);
    }
}
