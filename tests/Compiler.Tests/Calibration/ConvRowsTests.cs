using System.Runtime.InteropServices;
using Google.Protobuf;
using Lorq.Calibration;
using Lorq.Models;
using Lorq.Onnx;
using Lorq.Tests.Models;
using Lorq.Tests.Rewriting;
using Microsoft.ML.OnnxRuntime;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Tests.Calibration;

/// <summary>Rows times filter, element by element, against ONNX Runtime's own convolution: every kind of padding, one to three axes.</summary>
public sealed class ConvRowsTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("NOTSET")]
    [InlineData("VALID")]
    [InlineData("SAME_UPPER")]
    [InlineData("SAME_LOWER")]
    public void Rows_times_filter_is_what_the_runtime_computes(string padding)
    {
        var random = new Random(9);
        for (int trial = 0; trial < 25; trial++)
        {
            int axes = random.Next(1, 4);
            int groups = random.Next(1, 4);
            int channels = groups * random.Next(1, 4);
            int filters = groups * random.Next(1, 4);
            long[] kernel = Draw(axes, 1, 5);
            long[] shape = [2, channels, .. Draw(axes, 9, 14)];
            List<AttributeProto> attributes = [Fixture.Int("group", groups), Fixture.Ints("strides", Draw(axes, 1, 4))];
            if (padding == "NOTSET")
            {
                attributes.Add(Fixture.Ints("pads", Draw(2 * axes, 0, 3)));
            }
            else
            {
                attributes.Add(Text("auto_pad", padding));
            }
            if (!padding.StartsWith("SAME", StringComparison.Ordinal))
            {
                attributes.Add(Fixture.Ints("dilations", Draw(axes, 1, 3)));
            }
            Check(shape, [filters, channels / groups, .. kernel], groups, [.. attributes]);
        }

        long[] Draw(int count, int from, int to) => [.. Enumerable.Range(0, count).Select(_ => (long)random.Next(from, to))];
    }

    [Fact]
    public void A_node_without_attributes_has_the_defaults() => Check([1, 3, 7, 6], [4, 3, 2, 3], 1, []);

    private void Check(long[] shape, long[] filter, int groups, AttributeProto[] attributes)
    {
        using OnnxModel model = new SmallModel(13)
            .Input("x", DataType.Float, shape)
            .Weight("W", filter)
            .Node("Conv", "x,W", "y", attributes)
            .Output("y")
            .Load(folder.Path);
        float[] w = model.ReadFloats(model.Proto.Graph.Initializer[0]);
        float[] x = Fixture.Values((int)shape.Aggregate(1L, (a, b) => a * b), 3);
        using var runner = new ModelRunner(model.Path);
        using IDisposableReadOnlyCollection<OrtValue> outputs = runner.Run(
            new Dictionary<string, DataTensor> { ["x"] = new(DataType.Float, shape, MemoryMarshal.AsBytes<float>(x).ToArray()) }
        );
        ReadOnlySpan<float> y = outputs[0].GetTensorDataAsSpan<float>();
        ConvGeometry geometry = ConvGeometry.Of(model.Proto.Graph.Node[0], filter)!;
        RowPlan plan = geometry.Plan(shape, int.MaxValue);
        int positions = plan.Output.Product;
        int filters = (int)filter[0];
        string what = $"x {string.Join('×', shape)}, W {string.Join('×', filter)}, {string.Join(' ', attributes.AsEnumerable())}";
        Assert.True(shape[0] * filters * positions == y.Length, $"{what}: {positions} positions");
        for (int g = 0; g < groups; g++)
        {
            var rows = new float[plan.Rows * geometry.K];
            Array.Fill(rows, float.NaN);
            geometry.Fill(x, plan, g, 0, plan.Rows, rows);
            for (int r = 0; r < plan.Rows; r++)
            {
                for (int f = g * filters / groups; f < (g + 1) * filters / groups; f++)
                {
                    double sum = 0;
                    for (int k = 0; k < geometry.K; k++)
                    {
                        sum += (double)rows[r * geometry.K + k] * w[f * geometry.K + k];
                    }
                    float expected = y[(r / positions * filters + f) * positions + r % positions];
                    Assert.True(Math.Abs(sum - expected) < 1e-4, $"{what}: row {r} filter {f}: {sum}, {expected}");
                }
            }
        }
    }

    private static AttributeProto Text(string name, string value) =>
        new()
        {
            Name = name,
            Type = AttributeProto.Types.AttributeType.String,
            S = ByteString.CopyFromUtf8(value),
        };
}
