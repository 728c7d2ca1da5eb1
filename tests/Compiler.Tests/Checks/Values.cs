using Lorq.Calibration;
using Lorq.Onnx;
using Microsoft.ML.OnnxRuntime;

namespace Lorq.Tests.Checks;

/// <summary>Small tensors for the tests of this folder.</summary>
internal static class Values
{
    public static OrtValue Floats(float[] values, params long[] shape) => OrtValue.CreateTensorValueFromMemory(values, shape);

    public static TensorSignature Signature(
        string name,
        TensorProto.Types.DataType type = TensorProto.Types.DataType.Float,
        params long[] shape
    ) => new(name, type, shape, [.. shape.Select(_ => "")]);

    public static DataTensor Longs(long[] values, params long[] shape) =>
        new(TensorProto.Types.DataType.Int64, shape, [.. values.SelectMany(BitConverter.GetBytes)]);

    public static DataTensor FloatData(float[] values, params long[] shape) =>
        new(TensorProto.Types.DataType.Float, shape, [.. values.SelectMany(BitConverter.GetBytes)]);

    /// <summary>A batch of <paramref name="samples"/> samples, with a mask where one is given.</summary>
    public static Dictionary<string, DataTensor> Batch(int samples, long[]? mask = null)
    {
        var batch = new Dictionary<string, DataTensor> { ["x"] = FloatData(new float[samples], samples, 1) };
        if (mask is not null)
        {
            batch["mask"] = Longs(mask, samples, mask.Length / samples);
        }
        return batch;
    }

    public static float[] Normal(Random random, int count, double scale = 1)
    {
        var values = new float[count];
        for (int i = 0; i < count; i++)
        {
            values[i] = (float)(scale * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
        }
        return values;
    }

    public static float[] Softmax(float[] logits, int width)
    {
        var result = new float[logits.Length];
        for (int r = 0; r < logits.Length; r += width)
        {
            double sum = 0;
            for (int c = 0; c < width; c++)
            {
                sum += Math.Exp(logits[r + c]);
            }
            for (int c = 0; c < width; c++)
            {
                result[r + c] = (float)(Math.Exp(logits[r + c]) / sum);
            }
        }
        return result;
    }
}
