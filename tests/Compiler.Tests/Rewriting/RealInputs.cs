using Lorq.Calibration;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Tests.Rewriting;

/// <summary>Small valid inputs for the real models.</summary>
internal static class RealInputs
{
    public static Dictionary<string, DataTensor> For(ModelRunner runner)
    {
        var random = new Random(3);
        var feeds = new Dictionary<string, DataTensor>();
        foreach (TensorSignature input in runner.Inputs)
        {
            if (input.ElementType == DataType.Int64)
            {
                bool flag = input.Name is "attention_mask" or "token_type_ids";
                long[] ids =
                [
                    .. Enumerable.Range(0, 2 * 24).Select(i => flag ? (input.Name == "attention_mask" ? 1L : 0L) : random.Next(4000)),
                ];
                feeds.Add(input.Name, new DataTensor(DataType.Int64, [2, 24], [.. ids.SelectMany(BitConverter.GetBytes)]));
            }
            else
            {
                long[] shape =
                [
                    .. input.Shape.Select(
                        (d, i) =>
                            i switch
                            {
                                0 => 1,
                                1 => 3,
                                2 => d > 0 ? d : 64,
                                _ => d > 0 ? d : 192,
                            }
                    ),
                ];
                float[] values =
                [
                    .. Enumerable.Range(0, (int)shape.Aggregate(1L, (a, d) => a * d)).Select(_ => (float)((random.NextDouble() * 2) - 1)),
                ];
                feeds.Add(input.Name, new DataTensor(DataType.Float, shape, [.. values.SelectMany(BitConverter.GetBytes)]));
            }
        }
        return feeds;
    }
}
