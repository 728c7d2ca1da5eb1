using Lorq.Refinement;

namespace Lorq.Tests.Refinement;

public sealed class ExactProductsTests
{
    [Fact]
    public void The_rest_loses_no_more_than_is_allowed_whatever_the_predictions_are_worth()
    {
        for (int seed = 0; seed < 500; seed++)
        {
            var random = new Random(seed);
            double[] losses = [.. Enumerable.Range(0, random.Next(1, 12)).Select(_ => Math.Pow(random.NextDouble(), 3))];
            RoundedProduct[] products =
            [
                .. losses.Select(l => new RoundedProduct(
                    seed % 5 == 0 ? 0 : 1e-3 * l * Math.Exp(random.NextDouble() - 0.5),
                    random.Next(1, 5)
                )),
            ];
            double allowed = seed % 7 == 0 ? 0 : random.NextDouble() * losses.Sum();
            int measured = 0;
            bool[] exact = ExactProducts.Choose(
                products,
                allowed,
                marks =>
                {
                    measured++;
                    return Left(losses, marks);
                }
            );
            Assert.True(exact.All(e => e) || Left(losses, exact) <= allowed, $"seed {seed}");
            Assert.InRange(measured, 1, 5);
        }
    }

    [Fact]
    public void With_right_predictions_the_work_is_the_least_there_is_up_to_one_product()
    {
        for (int seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            RoundedProduct[] products = [.. Enumerable.Range(0, 8).Select(_ => new RoundedProduct(random.NextDouble(), random.Next(1, 6)))];
            double[] losses = [.. products.Select(p => 40 * p.Rounding)];
            double allowed = random.NextDouble() * losses.Sum();
            bool[] exact = ExactProducts.Choose(products, allowed, marks => Left(losses, marks));
            double least = Enumerable
                .Range(0, 1 << products.Length)
                .Select(bits => products.Select((_, i) => ((bits >> i) & 1) != 0).ToArray())
                .Where(marks => Left(losses, marks) <= allowed)
                .Min(marks => Work(products, marks));
            Assert.True(Work(products, exact) < least + products.Max(p => p.Work), $"seed {seed}");
        }
    }

    /// <summary>Rounding loses a little even where predictions see nothing left: what is found is more than the least, but not everything.</summary>
    [Fact]
    public void A_choice_that_just_misses_is_followed_by_a_better_one_not_by_everything()
    {
        RoundedProduct[] products = [.. Enumerable.Range(1, 36).Select(i => new RoundedProduct(1.0 / (i * i), 1))];
        double[] losses = [.. products.Select(p => p.Rounding)];
        const double Allowed = 0.2;
        bool[] exact = ExactProducts.Choose(products, Allowed, marks => Left(losses, marks) + 0.3 * Allowed);
        Assert.True(Left(losses, exact) + 0.3 * Allowed <= Allowed);
        Assert.InRange(exact.Count(e => e), 6, 15);
    }

    [Fact]
    public void Nothing_is_exact_where_rounding_loses_little()
    {
        Assert.Equal([false, false], ExactProducts.Choose([new(1, 1), new(2, 1)], 0.1, _ => 0.1));
        Assert.Empty(ExactProducts.Choose([], 0, _ => throw new InvalidOperationException()));
    }

    [Fact]
    public void What_a_prediction_missed_is_found_where_it_matters()
    {
        // The third product is predicted to lose a tenth of what it does; the last ones lose next to nothing and are not asked for.
        RoundedProduct[] products = [new(50, 4), new(30, 4), new(8, 1), new(0.5, 4), new(0.5, 4)];
        double[] shares = [0.2, 0.1, 0.68, 0.01, 0.01];
        var asked = new List<int>();
        RoundedProduct[] corrected = ExactProducts.Corrected(
            products,
            0.1,
            i =>
            {
                asked.Add(i);
                return shares[i];
            }
        );
        Assert.Equal([0, 2, 1], asked);
        Assert.Equal((8 / 89.0 + 0.68) / 2, corrected[2].Rounding, 1e-12);
        Assert.Equal(0.5 / 89, corrected[3].Rounding, 1e-12);
        Assert.Equal([false, false, true, false, false], ExactProducts.Choose(corrected, 0.65, marks => Left(shares, marks)));
    }

    private static double Left(double[] losses, bool[] exact) => losses.Where((_, i) => !exact[i]).Sum();

    private static double Work(RoundedProduct[] products, bool[] exact) => products.Where((_, i) => exact[i]).Sum(p => p.Work);
}
