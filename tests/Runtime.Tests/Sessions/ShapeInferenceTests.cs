using Microsoft.ML.OnnxRuntime;

namespace Lorq.Runtime.Tests.Sessions;

/// <summary>What the operators tell of shapes when a session is created: later nodes reshape by it.</summary>
public sealed class ShapeInferenceTests
{
    [Theory]
    [InlineData("batch", "length")]
    [InlineData("batch", "")]
    [InlineData("", "")]
    [InlineData("3", "")]
    public void Free_dimensions_stay_free(string batch, string length)
    {
        using var model = new CompressedModel(batch, length);
        long[] ids = [.. Enumerable.Range(0, 15).Select(i => i * 31L)];
        using LorqSession session = LorqSession.Load(model.ModelPath, new() { Activations = ActivationMode.Exact });
        using LorqOutputs fused = session.Run(TensorView.Of<long>("ids", ids, [3, 5]));
        Assert.Equal([3, 5, 128], fused[0].Dimensions.ToArray());

        using var stock = new InferenceSession(model.ModelPath);
        using OrtValue input = OrtValue.CreateTensorValueFromMemory(ids, [3, 5]);
        using var options = new RunOptions();
        using IDisposableReadOnlyCollection<OrtValue> bodies = stock.Run(options, ["ids"], [input], ["y"]);
        float[] expected = bodies[0].GetTensorDataAsSpan<float>().ToArray();
        float largest = expected.Max(MathF.Abs);
        Assert.All(fused[0].ToArray<float>().Zip(expected), p => Assert.Equal(p.Second, p.First, 1e-5f * largest));
    }
}
