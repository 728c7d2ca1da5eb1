using Lorq.Checks;
using Lorq.Diagnostics;
using Lorq.Onnx;
using Microsoft.ML.OnnxRuntime;

namespace Lorq.Tests.Checks;

public class DivergenceTests
{
    [Theory]
    [InlineData(2, 3, 1)]
    [InlineData(3, 5, 7)]
    [InlineData(4, 16, 384)]
    [InlineData(2, 40, 4097)]
    public void AgreesWithTheDefinitionsInFp64(int samples, int length, int width)
    {
        var random = new Random(width);
        float[] a = Values.Normal(random, samples * length * width, 3);
        float[] b = [.. a.Zip(Values.Normal(random, a.Length, 0.3), (x, n) => x + n)];
        OutputDivergence actual = Measure("logits", a, b, samples, length, width).Outputs[0];
        var expected = new NaiveDivergence(a, b, width, null, probabilities: false);
        Assert.Equal(expected.Rows, actual.Rows);
        Assert.Equal(expected.Cosine, actual.Cosine!.Value, 1e-12);
        AssertRelative(expected.RelativeMse, actual.RelativeMse);
        AssertRelative(expected.MaxAbs, actual.MaxAbsError);
        if (width > 1)
        {
            Assert.Equal(ClassAxis.Logits, actual.ClassAxis);
            AssertRelative(expected.Kl, actual.Kl);
            Assert.Equal(expected.Top1, actual.Top1!.Value, 1e-12);
        }
        else
        {
            Assert.Null(actual.Kl);
        }
    }

    [Fact]
    public void RecognisesSoftmaxedRowsByTheirSumAndAgreesWithTheDefinitions()
    {
        var random = new Random(5);
        float[] logits = Values.Normal(random, 2 * 9 * 50, 2);
        float[] a = Values.Softmax(logits, 50);
        float[] b = Values.Softmax([.. logits.Zip(Values.Normal(random, logits.Length, 0.1), (x, n) => x + n)], 50);
        OutputDivergence actual = Measure("anything", a, b, 2, 9, 50).Outputs[0];
        Assert.Equal(ClassAxis.Probabilities, actual.ClassAxis);
        AssertRelative(new NaiveDivergence(a, b, 50, null, probabilities: true).Kl, actual.Kl);

        float[] logA = [.. a.Select(p => MathF.Log(p))];
        float[] logB = [.. b.Select(p => MathF.Log(p))];
        OutputDivergence logarithms = Measure("anything", logA, logB, 2, 9, 50).Outputs[0];
        Assert.Equal(ClassAxis.Logits, logarithms.ClassAxis);
        Assert.Equal(actual.Kl!.Value, logarithms.Kl!.Value, 1e-6);
    }

    [Fact]
    public void HiddenStatesHaveNoClassAxis()
    {
        float[] a = Values.Normal(new Random(1), 64);
        DivergenceResult result = Measure("last_hidden_state", a, [.. a.Select(v => v * 1.5f)], 2, 4, 8);
        Assert.Equal(ClassAxis.None, result.Outputs[0].ClassAxis);
        Assert.Null(result.Outputs[0].Kl);
        Assert.Equal(1, result.Outputs[0].Cosine!.Value, 1e-12);
        Assert.Equal(0.25, result.Loss, 1e-7);
        Assert.Equal("relative-mse", result.LossMetric);
    }

    [Theory]
    [InlineData("logits", false)]
    [InlineData("p", true)]
    public void EqualOutputsDivergeByExactlyNothing(string name, bool softmax)
    {
        float[] a = Values.Normal(new Random(3), 3 * 7 * 33, 5);
        a = softmax ? Values.Softmax(a, 33) : a;
        DivergenceResult result = Measure(name, a, [.. a], 3, 7, 33);
        OutputDivergence o = result.Outputs[0];
        Assert.Equal(0, o.Kl);
        Assert.Equal(0, o.RelativeMse);
        Assert.Equal(0, o.MaxAbsError);
        Assert.Equal(1, o.Top1);
        Assert.Equal(1, o.Cosine!.Value, 1e-15);
        Assert.Equal(0, result.Loss);
    }

    [Fact]
    public void KlIsNeverNegativeAndShiftingLogitsChangesNothing()
    {
        var random = new Random(11);
        for (int trial = 0; trial < 200; trial++)
        {
            int width = random.Next(2, 40);
            float[] a = Values.Normal(random, width, 4);
            float[] b = [.. a.Zip(Values.Normal(random, width, Math.Pow(10, -random.Next(0, 8))), (x, n) => x + n)];
            Assert.True(Measure("logits", a, b, 1, 1, width).Outputs[0].Kl >= 0);
            // Adding 1024 to small whole numbers is exact in fp32, so what is left is the rounding of fp64 near 1024.
            float[] whole = [.. a.Select(v => MathF.Round(v))];
            Assert.Equal(0, Measure("logits", whole, [.. whole.Select(v => v + 1024)], 1, 1, width).Outputs[0].Kl!.Value, 1e-11);
        }
    }

    [Fact]
    public void KlOfTwoClassesIsTheClosedForm()
    {
        const double p = 0.3;
        const double q = 0.45;
        float[] a = [(float)Math.Log(p / (1 - p)), 0];
        float[] b = [(float)Math.Log(q / (1 - q)), 0];
        double expected = p * Math.Log(p / q) + (1 - p) * Math.Log((1 - p) / (1 - q));
        Assert.Equal(expected, Measure("logits", a, b, 1, 1, 2).Outputs[0].Kl!.Value, 1e-7);
    }

    [Fact]
    public void HugeLogitsAndVanishedProbabilitiesStayFinite()
    {
        Assert.Equal(20_000, Measure("logits", [1e4f, -1e4f], [-1e4f, 1e4f], 1, 1, 2).Outputs[0].Kl!.Value, 1e-6);
        double kl = Measure("p", [0.5f, 0.5f], [1, 0], 1, 1, 2).Outputs[0].Kl!.Value;
        Assert.InRange(kl, 40, 50);
    }

    [Fact]
    public void MaskedRowsDoNotCount()
    {
        var random = new Random(4);
        float[] a = Values.Normal(random, 2 * 3 * 5);
        float[] b = [.. a.Zip(Values.Normal(random, a.Length, 0.2), (x, n) => x + n)];
        long[] mask = [1, 1, 0, 1, 0, 0];
        for (int i = 2 * 5; i < 3 * 5; i++)
        {
            b[i] = float.NaN;
        }
        var accumulator = new DivergenceAccumulator([Values.Signature("logits")], "mask");
        using OrtValue va = Values.Floats(a, 2, 3, 5);
        using OrtValue vb = Values.Floats(b, 2, 3, 5);
        accumulator.Add(Values.Batch(2, mask), [va], [vb]);
        OutputDivergence actual = accumulator.Result().Outputs[0];
        var expected = new NaiveDivergence(a, b, 5, [.. mask.Select(m => m != 0)], probabilities: false);
        Assert.Equal(3, actual.Rows);
        Assert.Equal(3, actual.MaskedRows);
        Assert.Equal(0, actual.CompressedNotFiniteRows);
        AssertRelative(expected.RelativeMse, actual.RelativeMse);
        AssertRelative(expected.Kl, actual.Kl);
    }

    [Fact]
    public void AMissingMaskInputIsNamed()
    {
        var accumulator = new DivergenceAccumulator([Values.Signature("y")], "attention_mask");
        using OrtValue v = Values.Floats([1, 2], 1, 2);
        var e = Assert.Throws<LorqException>(() => accumulator.Add(Values.Batch(1), [v], [v]));
        Assert.Equal("LORQ0803", e.Diagnostic.Id);
        Assert.Contains("attention_mask", e.Message);
    }

    [Fact]
    public void NotFiniteRowsAreReportedPerSide()
    {
        float[] a = [1, 2, float.NaN, 3, 4, 5];
        float[] b = [1, 2, 0, 3, 4, float.PositiveInfinity];
        DivergenceResult result = Measure("y", a, b, 1, 3, 2);
        OutputDivergence o = result.Outputs[0];
        Assert.Equal((1, 1, 2), (o.OriginalNotFiniteRows, o.CompressedNotFiniteRows, o.Rows));
        Assert.Equal(double.PositiveInfinity, result.Loss);
        Assert.False(result.IsFinite);
        Assert.Equal(0.5, o.Cosine!.Value, 1e-12);
    }

    [Fact]
    public void ClassesSuppressedInBothModelsAreLeftOutOfTheRow()
    {
        float ninf = float.NegativeInfinity;
        OutputDivergence with = Measure("logits", [1, ninf, 2, 3], [1.5f, ninf, 2, 2.5f], 1, 1, 4).Outputs[0];
        OutputDivergence without = Measure("logits", [1, 2, 3], [1.5f, 2, 2.5f], 1, 1, 3).Outputs[0];
        Assert.Equal(without.Kl, with.Kl);
        Assert.Equal(without.Cosine, with.Cosine);
        Assert.Equal((1, 0, 0), (with.Rows, with.OriginalNotFiniteRows, with.CompressedNotFiniteRows));
        Assert.Equal(1, Measure("logits", [1, ninf], [1, 1], 1, 1, 2).Outputs[0].OriginalNotFiniteRows);
    }

    [Fact]
    public void OtherElementTypesAreComparedExactly()
    {
        var accumulator = new DivergenceAccumulator([Values.Signature("ids", TensorProto.Types.DataType.Int64)], null);
        using var a = OrtValue.CreateTensorValueFromMemory<long>([1, 2, 3, 4], [2, 2]);
        using var b = OrtValue.CreateTensorValueFromMemory<long>([1, 2, 3, 5], [2, 2]);
        accumulator.Add(Values.Batch(2), [a], [b]);
        DivergenceResult result = accumulator.Result();
        Assert.Equal(0.75, result.Outputs[0].ExactShare);
        Assert.Null(result.Outputs[0].Cosine);
        Assert.Equal(0.25, result.Loss);
        Assert.Equal([1, 0], result.WorstSamples.Select(s => s.Index));
    }

    [Fact]
    public void HalfPrecisionIsWidened()
    {
        var accumulator = new DivergenceAccumulator([Values.Signature("y", TensorProto.Types.DataType.Float16)], null);
        using var a = OrtValue.CreateTensorValueFromMemory<Float16>([(Float16)1f, (Float16)2f], [1, 2]);
        using var b = OrtValue.CreateTensorValueFromMemory<Float16>([(Float16)1f, (Float16)2.5f], [1, 2]);
        accumulator.Add(Values.Batch(1), [a], [b]);
        Assert.Equal(0.25 / 5, accumulator.Result().Loss, 1e-12);
    }

    [Fact]
    public void AnOutputOfAnotherShapeCountsAsZeros()
    {
        var accumulator = new DivergenceAccumulator([Values.Signature("boxes")], null);
        using OrtValue a = Values.Floats([1, 2, 3, 4], 2, 2);
        using OrtValue b = Values.Floats([1, 2], 1, 2);
        accumulator.Add(Values.Batch(1), [a], [b]);
        OutputDivergence o = accumulator.Result().Outputs[0];
        Assert.Equal((1, 1.0, 0.0), (o.ShapeMismatches, o.RelativeMse!.Value, o.Cosine!.Value));
    }

    [Fact]
    public void TheFiveWorstSamplesAreFoundOverBatches()
    {
        var accumulator = new DivergenceAccumulator([Values.Signature("y")], null);
        float[] errors = [0.1f, 0.9f, 0.2f, 0.3f, 0.8f, 0.4f, 0.05f, 0.8f];
        for (int batch = 0; batch < 4; batch++)
        {
            using OrtValue a = Values.Floats([1, 0, 1, 0], 2, 1, 2);
            using OrtValue b = Values.Floats([1, errors[2 * batch], 1, errors[2 * batch + 1]], 2, 1, 2);
            accumulator.Add(Values.Batch(2), [a], [b]);
        }
        DivergenceResult result = accumulator.Result();
        Assert.Equal(8, result.Samples);
        Assert.Equal([1, 4, 7, 5, 3], result.WorstSamples.Select(s => s.Index));
        Assert.Equal(0.81, result.WorstSamples[0].RelativeMse, 1e-6);
    }

    [Fact]
    public void ThreadsDoNotChangeTheResult()
    {
        var random = new Random(8);
        float[] a = Values.Normal(random, 500 * 700);
        float[] b = Values.Normal(random, 500 * 700);
        Assert.Equivalent(Measure("logits", a, b, 1, 500, 700, threads: 1), Measure("logits", a, b, 1, 500, 700, threads: 4), strict: true);
    }

    [Fact]
    public void EmptyOutputsLoseNothing()
    {
        DivergenceResult result = Measure("y", [], [], 0, 3, 2);
        Assert.Equal(0, result.Loss);
        Assert.Equal("none", result.LossMetric);
    }

    [Fact]
    public void CancellationStops()
    {
        var accumulator = new DivergenceAccumulator([Values.Signature("y")], null);
        using OrtValue v = Values.Floats([1, 2], 1, 2);
        Assert.ThrowsAny<OperationCanceledException>(() => accumulator.Add(Values.Batch(1), [v], [v], new CancellationToken(true)));
    }

    private static DivergenceResult Measure(string name, float[] a, float[] b, int samples, int length, int width, int threads = 0)
    {
        var accumulator = new DivergenceAccumulator([Values.Signature(name)], null, threads);
        using OrtValue va = Values.Floats(a, samples, length, width);
        using OrtValue vb = Values.Floats(b, samples, length, width);
        accumulator.Add(Values.Batch(samples), [va], [vb]);
        return accumulator.Result();
    }

    private static void AssertRelative(double expected, double? actual) => Assert.Equal(1, actual!.Value / expected, 1e-9);
}
