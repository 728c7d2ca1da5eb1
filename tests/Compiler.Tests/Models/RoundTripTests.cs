using System.Collections.Concurrent;
using Lorq.Models;
using Lorq.Onnx;
using Xunit.Abstractions;

namespace Lorq.Tests.Models;

/// <summary>What goes in comes out: every model of Debian's libonnx-testdata, and the real models of the project.</summary>
public sealed class RoundTripTests(ITestOutputHelper log)
{
    private const string Debian = "/usr/share/libonnx-testdata";

    [SkippableFact]
    public void EveryDebianModelSurvivesLoadAndSave()
    {
        Skip.IfNot(Directory.Exists(Debian), "Debian's libonnx-testdata is not installed.");
        string[] paths = Directory.GetFiles(Debian, "model.onnx", SearchOption.AllDirectories);
        Assert.True(paths.Length > 1000, $"only {paths.Length} models");
        using var folder = new TemporaryFolder();
        var failures = new ConcurrentBag<string>();
        int run = 0;
        Parallel.For(
            0,
            paths.Length,
            new ParallelOptions { MaxDegreeOfParallelism = 2 },
            i =>
            {
                string copy = folder.File($"{i}.onnx");
                try
                {
                    long measured;
                    using (var model = OnnxModel.Load(paths[i]))
                    {
                        measured = model.MeasureBytes(path: copy);
                        Assert.Equal(measured, model.Save(copy));
                    }
                    Assert.Equal(measured, new FileInfo(copy).Length);
                    Assert.Equal(
                        ModelProto.Parser.ParseFrom(File.ReadAllBytes(paths[i])),
                        ModelProto.Parser.ParseFrom(File.ReadAllBytes(copy))
                    );
                    if (RunsAlike(paths[i], copy))
                    {
                        Interlocked.Increment(ref run);
                    }
                }
                catch (Exception e)
                {
                    failures.Add($"{paths[i]}: {e.Message}");
                }
                File.Delete(copy);
            }
        );
        log.WriteLine($"{paths.Length} models, {run} of them run by ONNX Runtime");
        Assert.Empty(failures);
        Assert.True(run > 500, $"only {run} models ran");
    }

    [SkippableTheory]
    [InlineData("minilm/model.onnx")]
    [InlineData("pygpt/model.onnx")]
    [InlineData("ppocr/rec.onnx")]
    [InlineData("ppocr/det.onnx")]
    [InlineData("ppocr/cls.onnx")]
    public void RealModelsAreRewrittenByteForByte(string name)
    {
        string? path = TestData.SharedPath(["models", .. name.Split('/')]);
        Skip.If(path is null, $"shared/models/{name} is absent.");
        using var folder = new TemporaryFolder();
        string copy = folder.File("model.onnx");
        using var model = OnnxModel.Load(path);
        Assert.Equal(model.FileBytes, model.MeasureBytes());
        Assert.Equal(model.FileBytes, model.Save(copy));
        Assert.True(File.ReadAllBytes(path).AsSpan().SequenceEqual(File.ReadAllBytes(copy)));
    }

    /// <summary>Runs both on the test data beside the original; false when ONNX Runtime does not support the model or the data.</summary>
    private static bool RunsAlike(string original, string copy)
    {
        string data = Path.Combine(Path.GetDirectoryName(original)!, "test_data_set_0");
        if (!Directory.Exists(data) || OnnxRuntimeRun.Outputs(original, data) is not { } expected)
        {
            return false;
        }
        List<byte[]>? actual = OnnxRuntimeRun.Outputs(copy, data);
        Assert.NotNull(actual);
        if (!expected.Zip(actual).All(pair => pair.First.AsSpan().SequenceEqual(pair.Second)))
        {
            // Operators that draw random numbers give something else each time, the original too.
            List<byte[]> again = OnnxRuntimeRun.Outputs(original, data)!;
            Assert.False(expected.Zip(again).All(pair => pair.First.AsSpan().SequenceEqual(pair.Second)), "outputs differ");
            return false;
        }
        return true;
    }
}
