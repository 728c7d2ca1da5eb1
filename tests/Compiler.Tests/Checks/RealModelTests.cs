using Lorq.Calibration;
using Lorq.Checks;
using Microsoft.ML.OnnxRuntime;

namespace Lorq.Tests.Checks;

public class RealModelTests
{
    [SkippableFact]
    public void TheRecognizerGivesProbabilities()
    {
        float[] x = Values.Normal(new Random(1), 2 * 3 * 48 * 160, 0.5);
        DivergenceResult result = MeasureAgainstUnoptimized(
            new Dictionary<string, DataTensor> { ["x"] = Values.FloatData(x, 2, 3, 48, 160) },
            null,
            "ppocr",
            "rec.onnx"
        );
        Assert.Equal(ClassAxis.Probabilities, result.Outputs[0].ClassAxis);
        Assert.InRange(result.Loss, 0, 1e-6);
        Assert.Equal("bounded-kl", result.LossMetric);
        Assert.Equal(2, result.Samples);
    }

    [SkippableFact]
    public void TheDecoderGivesLogits()
    {
        long[] ids = [.. Enumerable.Range(0, 2 * 32).Select(i => i * 61L % 4096)];
        DivergenceResult result = MeasureAgainstUnoptimized(
            new Dictionary<string, DataTensor> { ["input_ids"] = Values.Longs(ids, 2, 32) },
            null,
            "pygpt",
            "model.onnx"
        );
        Assert.Equal(ClassAxis.Logits, result.Outputs[0].ClassAxis);
        Assert.InRange(result.Loss, 0, 1e-6);
        Assert.Equal(64, result.Outputs[0].Rows);
    }

    [SkippableFact]
    public void TheEncoderHasAMaskAndNoClassAxis()
    {
        long[] ids = [.. Enumerable.Range(0, 2 * 8).Select(i => 2000L + i)];
        var batch = new Dictionary<string, DataTensor>
        {
            ["input_ids"] = Values.Longs(ids, 2, 8),
            ["attention_mask"] = Values.Longs([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0], 2, 8),
            ["token_type_ids"] = Values.Longs(new long[16], 2, 8),
        };
        DivergenceResult result = MeasureAgainstUnoptimized(batch, "attention_mask", "minilm", "model.onnx");
        Assert.Equal(ClassAxis.None, result.Outputs[0].ClassAxis);
        Assert.Equal((11, 5), (result.Outputs[0].Rows, result.Outputs[0].MaskedRows));
        Assert.InRange(result.Loss, 0, 1e-9);
    }

    /// <summary>The same model without graph optimizations: equal up to the rounding of fp32.</summary>
    private static DivergenceResult MeasureAgainstUnoptimized(Dictionary<string, DataTensor> batch, string? mask, params string[] path)
    {
        string? model = TestData.SharedPath(["models", .. path]);
        Skip.If(model is null, "shared/models is absent.");
        using var a = new ModelRunner(model);
        using var b = new ModelRunner(model, 0, o => o.GraphOptimizationLevel = GraphOptimizationLevel.ORT_DISABLE_ALL);
        Assert.Equal(mask, MaskInput.Find(a.Inputs));
        var data = new DataSet([batch], "made up");
        return Divergence.Measure(Divergence.Reference(a, data, mask), b, data);
    }
}
