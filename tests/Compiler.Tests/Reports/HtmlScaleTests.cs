using CsCheck;
using Lorq.Reports;
using Lorq.Reports.Html;

namespace Lorq.Tests.Reports;

/// <summary>Axes: what they hold is on them, in order, and their labels are few, round and in place.</summary>
public class HtmlScaleTests
{
    private static readonly Gen<double[]> Losses = Gen.Double[-12.0, 4.0].Select(e => Math.Pow(10, e)).Array[1, 8];

    [Fact]
    public void LinearAxesHoldTheirValues() => Gen.Double[-1e9, 1e9].Array[1, 8].Sample(v => Check(LinearScale.Over(v), v, 10));

    [Fact]
    public void LinearAxesFromZeroStartThere() =>
        Gen.Double[0, 1e9]
            .Array[0, 8]
            .Sample(v =>
            {
                var scale = LinearScale.FromZero(v);
                Assert.Equal(0, scale.Position(0), 12);
                Check(scale, v, 10);
            });

    [Fact]
    public void DecimalAxesHoldTheirValues() => Losses.Sample(v => Check(LogScale.Decimal(v), v, 6));

    [Fact]
    public void BinaryAxesHoldTheirValues() => Losses.Sample(v => Check(LogScale.Binary(v), v, 6));

    [Fact]
    public void TightAxesHoldTheirValuesAndHaveAtLeastTwoLabels() =>
        Gen.Double[3.0, 9.0]
            .Select(Gen.Double[1.0, 50.0], (e, ratio) => new[] { Math.Pow(10, e), Math.Pow(10, e) * ratio })
            .Sample(v =>
            {
                var scale = LogScale.Tight(v);
                Assert.All(v, x => Assert.InRange(scale.Position(x), 0, 1));
                Assert.All(scale.Ticks, t => Assert.InRange(scale.Position(t), -1e-9, 1 + 1e-9));
                Assert.InRange(scale.Ticks.Count, 2, 10);
            });

    [Fact]
    public void EqualFactorsAreEqualSteps() =>
        Losses.Sample(v =>
        {
            var scale = LogScale.Decimal(v);
            double a = v[0];
            Assert.Equal(scale.Position(a * 3) - scale.Position(a), scale.Position(a * 9) - scale.Position(a * 3), 9);
            Assert.Equal(0, scale.Position(scale.Start), 9);
            Assert.Equal(1, scale.Position(scale.End), 9);
        });

    [Theory]
    [InlineData(new[] { 0.0 }, new[] { 0, 0.25, 0.5, 0.75, 1 })]
    [InlineData(new[] { 8.5 }, new[] { 0, 2.5, 5, 7.5, 10 })]
    [InlineData(new[] { 32.0 }, new[] { 0.0, 10, 20, 30, 40 })]
    public void LinearTicksAreRound(double[] values, double[] ticks) => Assert.Equal(ticks, LinearScale.FromZero(values).Ticks);

    [Theory]
    [InlineData(new[] { 0.003, 0.4 }, new[] { 0.01, 0.1 })]
    [InlineData(new[] { 0.02, 0.1 }, new[] { 0.02, 0.05, 0.1 })]
    [InlineData(new[] { 1.0 }, new[] { 1.0, 2 })]
    [InlineData(new[] { 1e-6, 1.0 }, new[] { 1e-6, 1e-4, 1e-2, 1 })]
    public void DecimalTicksAreRound(double[] values, double[] ticks) => Assert.Equal(ticks, LogScale.Decimal(values).Ticks);

    [Theory]
    [InlineData(0, "0")]
    [InlineData(0.05, "0.05")]
    [InlineData(2500, "2500")]
    [InlineData(1e-5, "1e-5")]
    [InlineData(2e7, "2e7")]
    public void TicksHaveNoSpareDigits(double value, string expected) => Assert.Equal(expected, Figures.Tick(value));

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(2500, "2.5 kB")]
    [InlineData(2.5e6, "2.5 MB")]
    [InlineData(1e9, "1 GB")]
    public void SizesAtAnAxisHaveNoSpareDigits(double value, string expected) => Assert.Equal(expected, Figures.TickBytes(value));

    [Theory]
    [InlineData(0.125, "12.5%")]
    [InlineData(-1e-9, "0%")]
    [InlineData(1.0 / 3, "33.333%")]
    public void SharesHaveThreeDecimals(double share, string expected) => Assert.Equal(expected, SvgNumber.Percent(share));

    private static void Check(Scale scale, double[] values, int most)
    {
        Assert.All(values, v => Assert.InRange(scale.Position(v), -1e-9, 1 + 1e-9));
        Assert.All(scale.Ticks, t => Assert.InRange(scale.Position(t), -1e-9, 1 + 1e-9));
        Assert.InRange(scale.Ticks.Count, 1, most);
        Assert.Equal(scale.Ticks.Order().Distinct(), scale.Ticks);
        double[] sorted = [.. values.Order()];
        Assert.Equal(sorted.Select(scale.Position).Order(), sorted.Select(scale.Position));
    }
}
