using Lorq.Calibration;
using Lorq.Tests.Models;

namespace Lorq.Tests.Calibration;

public sealed class ConvGeometryTests
{
    [Fact]
    public void Rows_times_filter_is_the_convolution()
    {
        var random = new Random(3);
        for (int trial = 0; trial < 60; trial++)
        {
            int groups = random.Next(1, 4);
            (int channels, int filters) = (groups * random.Next(1, 3), groups * random.Next(1, 3));
            (int kh, int kw) = (random.Next(1, 4), random.Next(1, 4));
            long[] strides = [random.Next(1, 3), random.Next(1, 3)];
            long[] dilations = [random.Next(1, 3), random.Next(1, 3)];
            long[] pads = [random.Next(3), random.Next(3), random.Next(3), random.Next(3)];
            (int images, int height, int width) = (2, random.Next(7, 10), random.Next(7, 10));
            var node = Fixture.Node(
                "Conv",
                ["x", "w"],
                ["y"],
                Fixture.Ints("strides", strides),
                Fixture.Ints("dilations", dilations),
                Fixture.Ints("pads", pads),
                Fixture.Int("group", groups)
            );
            ConvGeometry geometry = ConvGeometry.Of(node, [filters, channels / groups, kh, kw])!;
            float[] x = Values(random, images * channels * height * width);
            float[] w = Values(random, filters * geometry.K);
            long[] shape = [images, channels, height, width];
            int perGroup = filters / groups;
            RowPlan plan = geometry.Plan(shape, int.MaxValue);
            int positions = plan.Output.Product;
            int outW = (int)((width + pads[1] + pads[3] - dilations[1] * (kw - 1) - 1) / strides[1]) + 1;
            for (int g = 0; g < groups; g++)
            {
                Assert.Equal(images * positions, plan.Rows);
                var rows = new float[plan.Rows * geometry.K];
                // In two parts, as the collector does.
                int half = plan.Rows / 2;
                geometry.Fill(x, plan, g, 0, half, rows);
                geometry.Fill(x, plan, g, half, plan.Rows - half, rows.AsSpan(half * geometry.K));
                for (int r = 0; r < images * positions; r++)
                {
                    for (int f = 0; f < perGroup; f++)
                    {
                        double own = 0;
                        for (int k = 0; k < geometry.K; k++)
                        {
                            own += rows[r * geometry.K + k] * w[(g * perGroup + f) * geometry.K + k];
                        }
                        Assert.Equal(Direct(r / positions, g * perGroup + f, r % positions / outW, r % positions % outW), own, 1e-4);
                    }
                }
            }

            double Direct(int image, int filter, int oy, int ox)
            {
                double sum = 0;
                for (int c = 0; c < channels / groups; c++)
                {
                    for (int i = 0; i < kh; i++)
                    {
                        for (int j = 0; j < kw; j++)
                        {
                            long yy = oy * strides[0] - pads[0] + i * dilations[0];
                            long xx = ox * strides[1] - pads[1] + j * dilations[1];
                            if (yy >= 0 && yy < height && xx >= 0 && xx < width)
                            {
                                int channel = filter / perGroup * (channels / groups) + c;
                                sum +=
                                    x[((image * channels + channel) * height + yy) * width + xx]
                                    * w[((filter * (channels / groups) + c) * kh + i) * kw + j];
                            }
                        }
                    }
                }
                return sum;
            }
        }
    }

    [Theory]
    [InlineData("SAME_UPPER", 4)]
    [InlineData("SAME_LOWER", 4)]
    [InlineData("VALID", 3)]
    public void Automatic_padding_gives_the_specified_size(string mode, int expected)
    {
        var geometry = new ConvGeometry(1, 1, new(1, 2, 2), new(1, 2, 2), new(1, 1, 1), new(0, 9, 9), new(0, 9, 9), mode);
        Assert.Equal(expected * expected, geometry.Plan([1, 1, 7, 7], int.MaxValue).Output.Product);
    }

    private static float[] Values(Random random, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => (float)random.NextDouble() - 0.5f)];
}
