using System.Buffers.Binary;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Lorq.Checks;

/// <summary>
/// The values of a floating-point output as fp32: a view of ONNX Runtime's memory for fp32, a converted copy for fp16, bf16 and
/// fp64 (a double outside the range of fp32 becomes an infinity).
/// </summary>
internal sealed class FloatTensor
{
    private readonly OrtValue? live;
    private readonly float[]? copy;

    private FloatTensor(OrtValue? live, float[]? copy)
    {
        this.live = live;
        this.copy = copy;
    }

    /// <summary>The values, row-major. Ask once per block of rows: a view asks ONNX Runtime for its address.</summary>
    public ReadOnlySpan<float> Span => copy is not null ? copy : live!.GetTensorDataAsSpan<float>();

    /// <summary>True for the element types that <see cref="Of"/> reads.</summary>
    public static bool IsFloat(TensorElementType type) =>
        type is TensorElementType.Float or TensorElementType.Float16 or TensorElementType.BFloat16 or TensorElementType.Double;

    /// <summary>Values that nobody else changes.</summary>
    public static FloatTensor Owned(float[] values) => new(null, values);

    /// <summary>The values of an output. The result must not outlive <paramref name="value"/>.</summary>
    public static FloatTensor Of(OrtValue value)
    {
        TensorElementType type = value.GetTensorTypeAndShape().ElementDataType;
        if (type == TensorElementType.Float)
        {
            return new(value, null);
        }
        ReadOnlySpan<byte> raw = value.GetTensorMutableRawData();
        switch (type)
        {
            case TensorElementType.Float16:
                ReadOnlySpan<Half> half = MemoryMarshal.Cast<byte, Half>(raw);
                var fromHalf = new float[half.Length];
                TensorPrimitives.ConvertToSingle(half, fromHalf);
                return Owned(fromHalf);
            case TensorElementType.BFloat16:
                var fromBrain = new float[raw.Length / sizeof(ushort)];
                for (int i = 0; i < fromBrain.Length; i++)
                {
                    int bits = BinaryPrimitives.ReadUInt16LittleEndian(raw[(2 * i)..]) << 16;
                    fromBrain[i] = BitConverter.Int32BitsToSingle(bits);
                }
                return Owned(fromBrain);
            case TensorElementType.Double:
                ReadOnlySpan<double> wide = MemoryMarshal.Cast<byte, double>(raw);
                var narrowed = new float[wide.Length];
                TensorPrimitives.ConvertTruncating(wide, narrowed.AsSpan());
                return Owned(narrowed);
            default:
                throw new ArgumentException($"{type} is not a floating-point type.", nameof(value));
        }
    }
}
