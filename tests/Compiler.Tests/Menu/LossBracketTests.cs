using Lorq.Menu;

namespace Lorq.Tests.Menu;

/// <summary>The search on its own: what is predicted and what is measured go together somehow, plans are given.</summary>
public sealed class LossBracketTests
{
    private static readonly double[] factors = [0.05, 0.3, 0.8, 1, 1.3, 4, 30];

    public static TheoryData<double, double> Relations
    {
        get
        {
            var relations = new TheoryData<double, double>();
            foreach (double factor in factors)
            {
                Array.ForEach((double[])[0.5, 1, 1.8], power => relations.Add(factor, power));
            }
            return relations;
        }
    }

    /// <summary>measured = factor · predicted^power: six measurements reach the limit from below, to 10 %.</summary>
    [Theory]
    [MemberData(nameof(Relations))]
    public void A_smooth_relation_is_met_within_six_measurements(double factor, double power)
    {
        const double Limit = 0.01;
        double Measured(double predicted) => factor * Limit * Math.Pow(predicted / Limit, power);
        var bracket = new LossBracket(Limit);
        double best = 0;
        for (int i = 0; i < 6 && !bracket.IsDone; i++)
        {
            double measured = Measured(bracket.Target);
            best = measured <= Limit ? Math.Max(best, measured) : best;
            bracket.Add(bracket.Target, measured);
        }
        Assert.InRange(best, 0.9 * Limit, Limit);
    }

    /// <summary>Few plans with jumps between them, measured with noise: the answer keeps the limit, and is the largest loss or next to it.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_staircase_of_plans_ends_at_the_last_step_within_the_limit(int seed)
    {
        var random = new Random(seed);
        for (int round = 0; round < 300; round++)
        {
            // Ascending: the smallest file last.
            double[] predicted = [0, .. Enumerable.Range(0, 12).Select(_ => Math.Exp(-8 * random.NextDouble())).Order()];
            double off = Math.Exp(2 * random.NextDouble() - 1);
            double[] measured = [.. predicted.Select(p => off * p)];
            double limit = Math.Exp(-7 * random.NextDouble());
            var bracket = new LossBracket(limit);
            int best = -1;
            for (int i = 0; i < 24 && !bracket.IsDone; i++)
            {
                int plan = Array.FindLastIndex(predicted, p => p <= bracket.Target);
                best = measured[plan] <= limit ? Math.Max(best, plan) : best;
                bracket.Add(predicted[plan], measured[plan]);
            }
            int right = Array.FindLastIndex(measured, m => m <= limit);
            Assert.True(
                best == right || measured[best] >= 0.93 * limit || predicted[best + 1] < 1.03 * predicted[best],
                $"{best}, not {right}"
            );
        }
    }

    [Fact]
    public void A_limit_of_nothing_asks_for_nothing()
    {
        var bracket = new LossBracket(0);
        Assert.Equal(0, bracket.Target);
        bracket.Add(0, 0);
        Assert.True(bracket.IsDone);
    }
}
