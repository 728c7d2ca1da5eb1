using System.Runtime.InteropServices;
using Google.Protobuf;
using Lorq.Caching;
using Lorq.Calibration;
using Lorq.Diagnostics;
using Lorq.Models;
using Lorq.Onnx;
using Lorq.Quantization;
using Lorq.Sites;
using Lorq.Specs;
using Lorq.Tests.Models;
using Lorq.Tests.Rewriting;
using Microsoft.ML.OnnxRuntime;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Tests.Calibration;

public sealed class CollectorTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly Random random = new(11);

    public void Dispose() => folder.Dispose();

    /// <summary>‖y‖² summed over all outputs is rows·Σ_g tr(W_gᵀH_gW_g): the identity that every weight of H rests on.</summary>
    [Theory]
    [InlineData("24,6,3,3", 6, 9, 11, "", 1)]
    [InlineData("32,4,3,3", 8, 9, 11, "strides=2 2;pads=1 1 1 1", 2)]
    [InlineData("12,8,3,5", 8, 12, 13, "strides=2 1;dilations=2 2;pads=2 0 1 3", 1)]
    [InlineData("32,2,5,5", 8, 9, 9, "auto_pad=SAME_UPPER;strides=2 3", 4)]
    [InlineData("32,2,4,6", 8, 10, 9, "auto_pad=SAME_LOWER;strides=3 2", 4)]
    [InlineData("32,32,1,1", 32, 7, 5, "", 1)]
    [InlineData("32,32,1,1", 32, 7, 5, "strides=2 2", 1)]
    [InlineData("16,8,3,4", 8, 9, 9, "auto_pad=VALID", 1)]
    [InlineData("20,9,7", 18, 1, 40, "pads=3 2;strides=2", 2)]
    [InlineData("8,5,3,3,3", 5, 6, 7, "pads=1 0 1 1 0 1;strides=1 2 1", 1)]
    public void ConvolutionMomentsGiveTheOutputEnergy(string filter, int channels, int height, int width, string attributes, int groups)
    {
        long[] shape = [.. filter.Split(',').Select(long.Parse)];
        long[] input = shape.Length switch
        {
            3 => [2, channels, width],
            4 => [2, channels, height, width],
            _ => [2, channels, 4, height, width],
        };
        var list = attributes.Split(';', StringSplitOptions.RemoveEmptyEntries).Select(Attribute).Append(Int("group", groups));
        using OnnxModel model = new SmallModel(13)
            .Input("x", DataType.Float, [-1, .. input[1..]])
            .Weight("W", shape)
            .Node("Conv", "x,W", "y", [.. list])
            .Output("y")
            .Load(folder.Path);
        CheckEnergy(model, Batches(("x", input), 3), groups);
    }

    [Fact]
    public void MatrixMomentsGiveTheOutputEnergy()
    {
        using OnnxModel right = Small("MatMul", "x,W", [-1, 5, 32], [32, 40]);
        CheckEnergy(right, Batches(("x", [2, 5, 32]), 3), 1);
        using OnnxModel left = Small("MatMul", "W,x", [-1, 32, 6], [40, 32]);
        CheckEnergy(left, Batches(("x", [2, 32, 6]), 3), 1);
        using OnnxModel gemm = Small("Gemm", "x,W", [-1, 32], [40, 32], Int("transB", 1));
        CheckEnergy(gemm, Batches(("x", [7, 32]), 3), 1);
        using OnnxModel transposed = Small("Gemm", "x,W", [32, -1], [32, 40], Int("transA", 1));
        CheckEnergy(transposed, Batches(("x", [32, 9]), 3), 1);
        using OnnxModel experts = Small("MatMul", "x,W", [-1, 4, 6, 16], [4, 16, 24]);
        CheckEnergy(experts, Batches(("x", [2, 4, 6, 16]), 3), 4);
        using OnnxModel shared = Small("MatMul", "x,W", [-1, 1, 6, 16], [4, 16, 24]);
        CheckEnergy(shared, Batches(("x", [2, 1, 6, 16]), 3), 4);
    }

    [Fact]
    public void LargeFeatureMapsAreSampledEvenly()
    {
        using OnnxModel model = new SmallModel(13)
            .Input("x", DataType.Float, -1, 16, 64, 256)
            .Weight("W", 64, 16, 1, 1)
            .Node("Conv", "x,W", "y")
            .Output("y")
            .Load(folder.Path);
        // Channel 0 holds 1 in column 0 only: 1 of 256 rows, whatever the step.
        var values = new float[2 * 16 * 64 * 256];
        for (int i = 0; i < values.Length; i++)
        {
            bool isFirst = i / (64 * 256) % 16 == 0;
            values[i] = isFirst && i % 256 == 0 ? 1 : 0;
        }
        var data = new DataSet([new Dictionary<string, DataTensor> { ["x"] = Floats(values, 2, 16, 64, 256) }], "made up");
        SecondMoment moment = Collect(model, data).Sites["W"].Moments![0];
        Assert.InRange(moment.Rows, 4096, 8192);
        Assert.InRange(moment.Values[0], 0.8 / 256, 1.2 / 256);
    }

    [Fact]
    public void PaddingDoesNotCount()
    {
        using OnnxModel model = Encoder();
        var ids = new long[] { 3, 4, 5, 7, 7, 7, 9, 8, 7, 7, 7, 7 };
        var mask = new long[] { 1, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0 };
        CalibrationResult masked = Collect(model, Tokens(ids, mask, 2, 6), "attention_mask");
        // The same tokens without padding; the table has a NaN row for token 7.
        CalibrationResult bare = Collect(model, Tokens([3, 4, 5, 9, 8], [1, 1, 1, 1, 1], 1, 5), "attention_mask");
        Equal(bare.Sites["W"].Moments![0], masked.Sites["W"].Moments![0], 1e-6);
        Equal(bare.Sites["flat"].Moments![0], masked.Sites["flat"].Moments![0], 1e-6);
        Assert.Equal(5, masked.Sites["W"].Moments![0].Rows);
        float[] counts = masked.Sites["table"].Counts!;
        Assert.Equal(5, counts.Sum());
        Assert.All(new[] { 3, 4, 5, 8, 9 }, t => Assert.Equal(1, counts[t]));
    }

    [Fact]
    public void NegativeIndicesCountFromTheEnd()
    {
        using OnnxModel model = Encoder();
        CalibrationResult result = Collect(model, Tokens([-1, 63, 2, 2], [1, 1, 1, 1], 2, 2));
        Assert.Equal(2, result.Sites["table"].Counts![63]);
        Assert.Equal(2, result.Sites["table"].Counts![2]);
        Assert.Null(result.Sites["table"].Moments);
    }

    [Fact]
    public void TiedTablesHaveCountsAndMoments()
    {
        using OnnxModel model = new SmallModel(13)
            .Input("ids", DataType.Int64, -1, -2)
            .Weight("table", 64, 32)
            .Node("Gather", "table,ids", "e")
            .Node("Transpose", "table", "t")
            .Node("MatMul", "e,t", "y")
            .Output("y")
            .Load(folder.Path);
        var data = new DataSet([new Dictionary<string, DataTensor> { ["ids"] = Longs([1, 2, 2], 1, 3) }], "made up");
        SiteStatistics statistics = Collect(model, data).Sites["table"];
        Assert.Equal(2, statistics.Counts![2]);
        Assert.Equal(3, statistics.Moments![0].Rows);
        Assert.Equal(32, statistics.Moments[0].K);
    }

    [Fact]
    public void SeveralPassesAndThreadsGiveTheSame()
    {
        using OnnxModel model = Chain();
        DataSet data = Batches(("x", [4, 32]), 5);
        CalibrationResult one = Collect(model, data, threads: 1);
        CalibrationResult two = Collect(model, data, threads: 2);
        // Room for one 48×48 moment at a time.
        CalibrationResult passes = Collect(model, data, cap: 48 * 48 * 8, threads: 1);
        Assert.Equal(3, one.Sites.Count);
        foreach (string site in one.Sites.Keys)
        {
            Assert.Equal(one.Sites[site].Moments![0].Values, two.Sites[site].Moments![0].Values);
            Assert.Equal(one.Sites[site].Moments![0].Values, passes.Sites[site].Moments![0].Values);
            Assert.Equal(20, passes.Sites[site].Moments![0].Rows);
        }
        Assert.Equal(one.Rows, passes.Rows);
    }

    [Fact]
    public void SitesOfOneTensorShareTheirMoment()
    {
        using OnnxModel model = new SmallModel(13)
            .Input("x", DataType.Float, -1, 32)
            .Weight("A", 32, 32)
            .Weight("B", 32, 48)
            .Node("MatMul", "x,A", "a")
            .Node("MatMul", "x,B", "b")
            .Output("a")
            .Output("b")
            .Load(folder.Path);
        CalibrationResult result = Collect(model, Batches(("x", [4, 32]), 2));
        Assert.Same(result.Sites["A"].Moments![0], result.Sites["B"].Moments![0]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void NamesTensorAndSampleOfANaN(int batchSize)
    {
        // log(x) is NaN for a negative x; the flattened activation hides which sample a row belongs to.
        using OnnxModel model = new SmallModel(13)
            .Input("x", DataType.Float, -1, 2, 32)
            .Int64s("shape", -1, 32)
            .Weight("W", 32, 32)
            .Node("Log", "x", "logs")
            .Node("Reshape", "logs,shape", "rows")
            .Node("MatMul", "rows,W", "y")
            .Output("y")
            .Load(folder.Path);
        var values = new float[10 * 64];
        Array.Fill(values, 1f);
        values[6 * 64 + 40] = -1;
        Npy.Zip(folder.File("d.npz"), ("x.npy", Npy.Floats(values, 10, 2, 32)));
        using var runner = new ModelRunner(model.Path);
        (DataSet data, _, _) = CalibrationData.Load([folder.File("d.npz")], runner.Inputs, default).Split(0.25, batchSize);
        LorqException e = Assert.Throws<LorqException>(() => Collect(model, data));
        Assert.Equal("LORQ0414", e.Diagnostic.Id);
        Assert.Contains("'rows'", e.Message, StringComparison.Ordinal);
        Assert.Contains("sample 6 of", e.Message, StringComparison.Ordinal);
        Assert.Contains("d.npz", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void NamesTheFirstBrokenTensorInGraphOrder()
    {
        using OnnxModel model = Chain();
        float[] values = [.. Enumerable.Repeat(1f, 5 * 32)];
        values[3 * 32] = float.PositiveInfinity;
        var data = new DataSet([new Dictionary<string, DataTensor> { ["x"] = Floats(values, 5, 32) }], "made up");
        LorqException e = Assert.Throws<LorqException>(() => Collect(model, data));
        Assert.Contains("'x'", e.Message, StringComparison.Ordinal);
        Assert.Contains("sample 3 of 'made up'", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void LeavesNothingBehindAndStopsWhenCancelled()
    {
        string[] Left() => Directory.GetDirectories(Path.GetTempPath(), "lorq-taps-*");
        using OnnxModel model = Chain();
        string[] before = Left();
        using var source = new CancellationTokenSource();
        var progress = new Cancelling(source);
        Assert.ThrowsAny<OperationCanceledException>(() =>
            Collector.Collect(model, Sites(model), Batches(("x", [4, 32]), 5), null, 1 << 30, 1, CacheProfile.None, progress, source.Token)
        );
        Assert.Equal(1, progress.Reports);
        Collect(model, Batches(("x", [4, 32]), 1));
        Assert.Empty(Left().Except(before));
    }

    [SkippableFact]
    public void RealModelCountsItsTokens()
    {
        string? path = TestData.SharedPath("models", "minilm", "model.onnx");
        Skip.If(path is null, "../shared/models is not there");
        using OnnxModel model = OnnxModel.Load(path);
        using var runner = new ModelRunner(path);
        SampleSet set = CalibrationData.Load([TestData.SharedPath("models", "minilm", "calibration.npz")!], runner.Inputs, default);
        Assert.Equal(256, set.Samples.Count);
        DataSet data = set.Take(16).ToDataSet(8);
        CalibrationResult result = Collect(model, data, "attention_mask");
        long tokens = data.Batches.Sum(b => MemoryMarshal.Cast<byte, long>(b["attention_mask"].Bytes).ToArray().Sum());
        Assert.Equal(tokens, result.Rows);
        Assert.All(result.Sites.Values.Where(s => s.Moments is not null), s => Assert.Equal(tokens, s.Moments![0].Rows));
        Assert.Contains(result.Sites.Values, s => s.Counts?.Sum() == tokens);
    }

    private void CheckEnergy(OnnxModel model, DataSet data, int groups)
    {
        Site site = Assert.Single(Sites(model));
        SiteStatistics statistics = Collect(model, data).Sites[site.Name];
        Assert.Equal(groups, statistics.Moments!.Count);
        float[] weight = site.ReadWeight();
        int perGroup = site.N / groups;
        double expected = 0;
        for (int g = 0; g < groups; g++)
        {
            SecondMoment h = statistics.Moments[g];
            double trace = 0;
            for (int n = g * perGroup; n < (g + 1) * perGroup; n++)
            {
                for (int i = 0; i < site.K; i++)
                {
                    for (int j = 0; j < site.K; j++)
                    {
                        trace += weight[i * site.N + n] * h.Values[i * site.K + j] * weight[j * site.N + n];
                    }
                }
            }
            expected += trace * h.Rows;
        }
        double actual = 0;
        using var runner = new ModelRunner(model.Path);
        foreach (IReadOnlyDictionary<string, DataTensor> batch in data.Batches)
        {
            using IDisposableReadOnlyCollection<OrtValue> outputs = runner.Run(batch);
            foreach (float y in outputs[0].GetTensorDataAsSpan<float>())
            {
                actual += (double)y * y;
            }
        }
        Assert.Equal(actual, expected, actual * 1e-5);
    }

    /// <summary>A look-up whose row 7 is NaN, then a matrix on [B, T, 32] and one on the flattened [B·T, 32].</summary>
    private OnnxModel Encoder()
    {
        var small = new SmallModel(13)
            .Input("ids", DataType.Int64, -1, -2)
            .Input("attention_mask", DataType.Int64, -1, -2)
            .Weight("table", 64, 32)
            .Int64s("shape", -1, 32)
            .Weight("W", 32, 32)
            .Weight("flat", 32, 40)
            .Node("Gather", "table,ids", "e")
            .Node("MatMul", "e,W", "h")
            .Node("Reshape", "h,shape", "rows")
            .Node("MatMul", "rows,flat", "y")
            .Node("Identity", "attention_mask", "m")
            .Output("y")
            .Output("m", DataType.Int64);
        TensorProto table = small.Proto.Graph.Initializer.First(i => i.Name == "table");
        byte[] raw = table.RawData.ToByteArray();
        MemoryMarshal.Cast<byte, float>(raw.AsSpan()).Slice(7 * 32, 32).Fill(float.NaN);
        table.RawData = ByteString.CopyFrom(raw);
        return small.Load(folder.Path);
    }

    private OnnxModel Chain() =>
        new SmallModel(13)
            .Input("x", DataType.Float, -1, 32)
            .Weight("A", 32, 48)
            .Weight("B", 48, 40)
            .Weight("C", 40, 32)
            .Node("MatMul", "x,A", "a")
            .Node("Relu", "a", "ar")
            .Node("MatMul", "ar,B", "b")
            .Node("Tanh", "b", "bt")
            .Node("MatMul", "bt,C", "c")
            .Output("c")
            .Load(folder.Path);

    private OnnxModel Small(string operation, string inputs, long[] input, long[] weight, params AttributeProto[] attributes) =>
        new SmallModel(13)
            .Input("x", DataType.Float, input)
            .Weight("W", weight)
            .Node(operation, inputs, "y", attributes)
            .Output("y")
            .Load(folder.Path);

    private static IReadOnlyList<Site> Sites(OnnxModel model) => SiteFinder.Find(model, new CompressionSpec()).Sites;

    private static CalibrationResult Collect(OnnxModel model, DataSet data, string? mask = null, long cap = 1 << 30, int threads = 0) =>
        Collector.Collect(model, Sites(model), data, mask, cap, threads, CacheProfile.None, null, default);

    private DataSet Batches((string Name, long[] Shape) input, int count)
    {
        var batches = new List<IReadOnlyDictionary<string, DataTensor>>();
        for (int b = 0; b < count; b++)
        {
            var values = new float[input.Shape.Aggregate(1L, (a, d) => a * d)];
            for (int i = 0; i < values.Length; i++)
            {
                values[i] = (float)(random.NextDouble() * 2 - 0.8);
            }
            batches.Add(new Dictionary<string, DataTensor> { [input.Name] = Floats(values, input.Shape) });
        }
        return new DataSet(batches, "made up");
    }

    private static DataSet Tokens(long[] ids, long[] mask, params long[] shape) =>
        new([new Dictionary<string, DataTensor> { ["ids"] = Longs(ids, shape), ["attention_mask"] = Longs(mask, shape) }], "made up");

    private static void Equal(SecondMoment expected, SecondMoment actual, double tolerance)
    {
        Assert.Equal(expected.K, actual.K);
        for (int i = 0; i < expected.Values.Length; i++)
        {
            Assert.Equal(expected.Values[i], actual.Values[i], tolerance);
        }
    }

    private static DataTensor Floats(float[] values, params long[] shape) =>
        new(DataType.Float, shape, MemoryMarshal.AsBytes<float>(values).ToArray());

    private static DataTensor Longs(long[] values, params long[] shape) =>
        new(DataType.Int64, shape, MemoryMarshal.AsBytes<long>(values).ToArray());

    private static AttributeProto Int(string name, long value) =>
        new()
        {
            Name = name,
            Type = AttributeProto.Types.AttributeType.Int,
            I = value,
        };

    private static AttributeProto Attribute(string text)
    {
        string[] parts = text.Split('=');
        var attribute = new AttributeProto { Name = parts[0] };
        if (char.IsLetter(parts[1][0]))
        {
            attribute.Type = AttributeProto.Types.AttributeType.String;
            attribute.S = ByteString.CopyFromUtf8(parts[1]);
            return attribute;
        }
        attribute.Type = AttributeProto.Types.AttributeType.Ints;
        attribute.Ints.AddRange(parts[1].Split(' ').Select(long.Parse));
        return attribute;
    }

    private sealed class Cancelling(CancellationTokenSource source) : IProgress<StageProgress>
    {
        public int Reports { get; private set; }

        public void Report(StageProgress value)
        {
            Reports++;
            source.Cancel();
        }
    }
}
