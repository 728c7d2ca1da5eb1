using System.Runtime.InteropServices;
using Lorq.Calibration;
using Lorq.Diagnostics;
using Lorq.Models;
using Lorq.Quantization;
using Lorq.Sites;
using Lorq.Specs;
using Lorq.Tests.Models;
using Lorq.Tests.Rewriting;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Tests.Calibration;

public sealed class CollectorTests : IDisposable
{
    private const int Width = 32;
    private readonly TemporaryFolder folder = new();
    private readonly OnnxModel model;
    private readonly SiteTable table;
    private readonly Random random = new(5);

    public CollectorTests()
    {
        model = new SmallModel(17)
            .Input("ids", DataType.Int64, -1, 6)
            .Input("x", DataType.Float, -1, 6, Width)
            .Input("attention_mask", DataType.Int64, -1, 6)
            .Weight("table", 64, Width)
            .Weight("w", Width, 48)
            .Weight("v", 48, 32)
            .Node("Gather", "table,ids", "e")
            .Node("Add", "e,x", "s")
            .Node("MatMul", "s,w", "h")
            .Node("MatMul", "h,v", "y")
            .Output("y")
            .Load(folder.Path);
        table = SiteFinder.Find(model, new CompressionSpec());
    }

    public void Dispose()
    {
        model.Dispose();
        folder.Dispose();
    }

    [Fact]
    public void Second_moments_and_counts_leave_padding_out()
    {
        DataSet data = Data(5);
        CalibrationResult result = Collect(data, "attention_mask");
        SecondMoment h = Assert.Single(result.For(table.Sites.Single(s => s.Name == "w"))!.Moments!);
        var expected = new double[Width * Width];
        var counts = new float[64];
        int rows = 0;
        float[] rowsOfTable = model.ReadFloats(model.Proto.Graph.Initializer.Single(i => i.Name == "table"));
        foreach (IReadOnlyDictionary<string, DataTensor> batch in data.Batches)
        {
            ReadOnlySpan<long> ids = MemoryMarshal.Cast<byte, long>(batch["ids"].Bytes);
            ReadOnlySpan<long> mask = MemoryMarshal.Cast<byte, long>(batch["attention_mask"].Bytes);
            ReadOnlySpan<float> x = MemoryMarshal.Cast<byte, float>(batch["x"].Bytes);
            for (int t = 0; t < ids.Length; t++)
            {
                if (mask[t] == 0)
                {
                    continue;
                }
                rows++;
                counts[ids[t]]++;
                for (int i = 0; i < Width; i++)
                {
                    for (int j = 0; j < Width; j++)
                    {
                        double a = rowsOfTable[ids[t] * Width + i] + x[t * Width + i];
                        expected[i * Width + j] += a * (rowsOfTable[ids[t] * Width + j] + x[t * Width + j]);
                    }
                }
            }
        }
        Assert.Equal(rows, h.Rows);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.Equal(expected[i] / rows, h.Values[i], 1e-5);
        }
        Assert.Equal(counts, result.For(table.Sites.Single(s => s.Name == "table"))!.Counts);
    }

    [Fact]
    public void Several_passes_and_threads_give_the_same_bits()
    {
        DataSet data = Data(5);
        double[] one = Values(Collect(data, null));
        Assert.Equal(one, Values(Collect(data, null, memoryCap: 1)));
        Assert.Equal(one, Values(Collect(data, null, threads: 1)));

        double[] Values(CalibrationResult r) => [.. table.Sites.SelectMany(s => r.For(s)!.Moments ?? []).SelectMany(m => m.Values)];
    }

    [Fact]
    public void An_activation_that_is_not_finite_is_named_with_its_sample()
    {
        DataSet data = Data(5);
        float[] x = [.. Enumerable.Repeat(0f, 5 * 6 * Width)];
        x[3 * 6 * Width] = float.PositiveInfinity;
        DataTensor spoilt = data.Batches[0]["x"] with { Bytes = MemoryMarshal.AsBytes(x.AsSpan()).ToArray() };
        var batch = new Dictionary<string, DataTensor>(data.Batches[0]) { ["x"] = spoilt };
        var e = Assert.Throws<LorqException>(() => Collect(new DataSet([batch], ""), null));
        Assert.Equal("LORQ0414", e.Diagnostic.Id);
        Assert.Contains("'s'", e.Message);
        Assert.Contains("sample 3", e.Message);
    }

    private CalibrationResult Collect(DataSet data, string? mask, long memoryCap = 1 << 30, int threads = 2) =>
        Collector.Collect(model, table.Sites, data, mask, memoryCap, threads, null, default);

    private DataSet Data(int samples)
    {
        long[] ids = [.. Enumerable.Range(0, samples * 6).Select(_ => (long)random.Next(64))];
        long[] mask = [.. Enumerable.Range(0, samples * 6).Select(i => i % 6 < 4 ? 1L : 0L)];
        float[] x = [.. Enumerable.Range(0, samples * 6 * Width).Select(_ => (float)random.NextDouble())];
        var batch = new Dictionary<string, DataTensor>
        {
            ["ids"] = new(DataType.Int64, [samples, 6], MemoryMarshal.AsBytes(ids.AsSpan()).ToArray()),
            ["attention_mask"] = new(DataType.Int64, [samples, 6], MemoryMarshal.AsBytes(mask.AsSpan()).ToArray()),
            ["x"] = new(DataType.Float, [samples, 6, Width], MemoryMarshal.AsBytes(x.AsSpan()).ToArray()),
        };
        return new DataSet([batch], "test");
    }
}
