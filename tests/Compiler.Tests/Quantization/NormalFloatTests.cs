using System.Numerics;
using Lorq.Quantization;

namespace Lorq.Tests.Quantization;

public sealed class NormalFloatTests
{
    [Theory]
    [InlineData(2, "-1 0 .3379 1")]
    [InlineData(3, "-1 -.4786 -.2171 0 .1609 .3379 .5626 1")]
    [InlineData(4, "-1 -.6962 -.5251 -.3949 -.2844 -.1848 -.0911 0 .0796 .1609 .2461 .3379 .4407 .5626 .7230 1")]
    public void Codebooks_have_the_published_values(int bits, string expected)
    {
        float[] values = NormalFloat.Codebook(bits).ToArray();
        double[] published = [.. expected.Split(' ').Select(double.Parse)];
        Assert.Equal(published.Length, values.Length);
        Assert.All(values.Zip(published), p => Assert.Equal(p.Second, p.First, 5.1e-5));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    [InlineData(8)]
    public void Codebooks_ascend_from_minus_one_to_one_through_an_exact_zero(int bits)
    {
        float[] values = NormalFloat.Codebook(bits).ToArray();
        Assert.Equal(1 << bits, values.Length);
        Assert.Equal((-1f, 1f), (values[0], values[^1]));
        Assert.Equal(0, values[(1 << (bits - 1)) - 1]);
        Assert.True(values.Zip(values.Skip(1)).All(p => p.First < p.Second));
    }

    [Fact]
    public void Rounded_half_scales_are_those_of_the_runtime()
    {
        float[] scales =
        [
            0,
            -0f,
            1,
            -1,
            1e-8f,
            2.9e-8f,
            3e-8f,
            8.9e-8f,
            9e-8f,
            -1.2e-7f,
            6.1e-5f,
            6.103515625e-5f,
            6.1e-5f * 1.003f,
            0.1f,
            1 / 3f,
            -0.07f,
            1.00048828125f,
            1.00146484375f,
            2047.5f,
            65504,
            65519,
            1e6f,
            -1e6f,
        ];
        var random = new Random(1);
        float[] more =
        [
            .. Enumerable.Range(0, 5000).Select(_ => (float)(Math.Exp(random.NextDouble() * 27 - 16) * (random.Next(2) - 0.5))),
        ];
        foreach (float scale in scales.Concat(more))
        {
            float rounded = new ScaleRounding(ScaleType.Float16, default).Round(Vector.Create(scale))[0];
            // Never to zero or infinity.
            float expected = MathF.CopySign(
                scale == 0 ? 0 : Math.Clamp(Math.Abs((float)(Half)scale), (float)Half.Epsilon, (float)Half.MaxValue),
                scale
            );
            Assert.Equal(expected, rounded);
            Assert.Equal(scale, new ScaleRounding(ScaleType.Float32, default).Round(Vector.Create(scale))[0]);
        }
    }
}
