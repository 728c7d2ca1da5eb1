using Lorq.Calibration;
using Lorq.Checks;
using Lorq.Diagnostics;
using Lorq.Reports;

namespace Lorq.Tests.Checks;

public sealed class ModelComparisonTests : IDisposable
{
    private static readonly float[] Weight = [1, 2, 3, 4, 5, 6];
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("lorq-compare");
    private readonly string a;

    public ModelComparisonTests() => a = TinyModel.Write(At("a.onnx"), Weight, 3);

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public void MeasuresSizesTimesAndDivergence()
    {
        string b = TinyModel.Write(At("b.onnx"), [1, 2, 3, 4, 5, 7], 3);
        ComparisonReport report = Compare(b);
        // x = I: the outputs are the rows of W.
        OutputDivergence y = Assert.Single(report.Divergence.Outputs);
        Assert.Equal(1.0 / 91, y.RelativeMse!.Value, 1e-12);
        Assert.Equal(1, y.MaxAbsError);
        Assert.Equal(2, report.Divergence.Samples);
        Assert.Equal([1, 0], report.Divergence.WorstSamples.Select(s => s.Index));
        Assert.Equal((new FileInfo(a).Length, new FileInfo(b).Length), (report.A.Bytes, report.B.Bytes));
        Assert.True(report is { LoadTimeRatio: > 0, RunTimeRatio: > 0, TimedRuns: >= 5 });
        Assert.Equal("made up", report.Data);
        Assert.NotEmpty(report.OnnxRuntime);
    }

    [Fact]
    public void AModelEqualsItself() => Assert.Equal(0, Compare(a).Divergence.Loss);

    [Fact]
    public void HeldReferenceOutputsGiveTheSameAsBothModels()
    {
        using var original = new ModelRunner(a);
        using var compressed = new ModelRunner(TinyModel.Write(At("b.onnx"), [1, 2, 3, 4, 5, 7], 3));
        DataSet data = Data();
        ReferenceOutputs reference = Divergence.Reference(original, data, null);
        Assert.Equivalent(
            Divergence.Measure(original, compressed, data, null),
            Divergence.Measure(reference, compressed, data),
            strict: true
        );
    }

    [Fact]
    public void TheOutputCheckMeasuresTheSameAndRefusesAChangedInterface()
    {
        string b = TinyModel.Write(At("b.onnx"), [1, 2, 3, 4, 5, 7], 3);
        Assert.Equivalent(Compare(b).Divergence, OutputCheck.Run(a, b, Data(), null, 1, null, default).Divergence, strict: true);
        string other = TinyModel.Write(At("c.onnx"), Weight, 3, output: "z");
        var e = Assert.Throws<LorqException>(() => OutputCheck.Run(a, other, Data(), null, 1, null, default));
        Assert.Equal("LORQ0805", e.Diagnostic.Id);
    }

    [Fact]
    public void OtherInputsAreNamed()
    {
        LorqException name = Fails("LORQ0804", TinyModel.Write(At("b.onnx"), Weight, 3, input: "z"));
        Assert.Contains("'x'", name.Message);
        Assert.Contains("'z'", name.Message);
        LorqException width = Fails("LORQ0804", TinyModel.Write(At("c.onnx"), [1, 2, 3, 4, 5, 6, 7, 8, 9], 3));
        Assert.Contains("[batch, 2]", width.Message);
        Assert.Contains("[batch, 3]", width.Message);
    }

    [Fact]
    public void OtherOutputsAreNamed()
    {
        Assert.Contains("'z'", Fails("LORQ0805", TinyModel.Write(At("b.onnx"), Weight, 3, output: "z")).Message);
        Assert.Contains("int64", Fails("LORQ0805", TinyModel.Write(At("c.onnx"), Weight, 3, cast: true)).Message);
    }

    [Fact]
    public void WithoutSamplesThereIsNothingToCompare()
    {
        var e = Assert.Throws<LorqException>(() => ModelComparison.Run(a, a, _ => new DataSet([], "none"), new(1), null, default));
        Assert.Equal("LORQ0806", e.Diagnostic.Id);
        Assert.Equal("LORQ0806", Assert.Throws<LorqException>(() => ModelComparison.Run(a, a, [])).Diagnostic.Id);
    }

    [Fact]
    public void CancellationStops() =>
        Assert.ThrowsAny<OperationCanceledException>(() =>
            ModelComparison.Run(a, a, _ => Data(), new(1), null, new CancellationToken(true))
        );

    private string At(string name) => Path.Combine(folder.FullName, name);

    private static DataSet Data() => new([new Dictionary<string, DataTensor> { ["x"] = Values.FloatData([1, 0, 0, 1], 2, 2) }], "made up");

    private ComparisonReport Compare(string b) => ModelComparison.Run(a, b, _ => Data(), new(1), null, default);

    private LorqException Fails(string id, string b)
    {
        var e = Assert.Throws<LorqException>(() => Compare(b));
        Assert.Equal(id, e.Diagnostic.Id);
        return e;
    }
}
