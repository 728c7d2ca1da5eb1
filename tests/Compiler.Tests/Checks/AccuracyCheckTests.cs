using Lorq.Checks;
using Lorq.Diagnostics;
using Lorq.Specs;

namespace Lorq.Tests.Checks;

public class AccuracyCheckTests
{
    private static readonly DivergenceResult Result = new(
        [
            new("logits", "float", ClassAxis.Logits, 10, 0, 0.99, 0.02, 1, 0.003, 0.97, null, 0, 0, 0),
            new("hidden", "float", ClassAxis.None, 10, 0, 0.98, 0.04, 1, null, null, null, 0, 0, 0),
        ],
        10,
        []
    );

    [Theory]
    [InlineData("cosine", 0.98, 0.98)]
    [InlineData("relative-mse", 0.04, 0.04)]
    [InlineData("kl", 0.003, 0.003)]
    [InlineData("top1", 0.9, 0.97)]
    public void PassesAndGivesTheWorstOutput(string metric, double limit, double measured) =>
        Assert.Equal<double?>(measured, AccuracyCheck.Require(new AccuracyLimit(metric, limit), Result));

    [Theory]
    [InlineData("cosine", 0.985)]
    [InlineData("relative-mse", 0.03)]
    [InlineData("kl", 0.0029)]
    [InlineData("top1", 0.98)]
    public void FailsWithWhatWasMeasuredAndTheHint(string metric, double limit)
    {
        var e = Assert.Throws<LorqException>(() =>
            AccuracyCheck.Require(new AccuracyLimit(metric, limit), Result, "A budget of 5.1 MB meets it.")
        );
        Assert.Equal("LORQ0801", e.Diagnostic.Id);
        Assert.Contains(metric, e.Message);
        Assert.Contains("A budget of 5.1 MB meets it.", e.Message);
    }

    [Fact]
    public void AnOutputThatIsNotFiniteNeverPasses()
    {
        OutputDivergence broken = Result.Outputs[0] with { RelativeMse = double.PositiveInfinity };
        Assert.False(AccuracyCheck.IsMet(new AccuracyLimit("relative-mse", 1e9), Result with { Outputs = [broken] }));
    }

    [Theory]
    [InlineData("kl")]
    [InlineData("top1")]
    [InlineData("psnr")]
    public void AMetricThatDoesNotExistHereIsNamed(string metric)
    {
        DivergenceResult hidden = Result with { Outputs = [Result.Outputs[1]] };
        var e = Assert.Throws<LorqException>(() => AccuracyCheck.Require(new AccuracyLimit(metric, 0.5), hidden));
        Assert.Equal("LORQ0802", e.Diagnostic.Id);
        Assert.Contains(metric, e.Message);
    }

    [Fact]
    public void WithoutALimitEverythingPassesAndWithoutDataNoLimitDoes()
    {
        Assert.Null(AccuracyCheck.Require(null, null));
        var e = Assert.Throws<LorqException>(() => AccuracyCheck.Require(new AccuracyLimit("cosine", 0.5), null));
        Assert.Equal("LORQ0802", e.Diagnostic.Id);
    }
}
