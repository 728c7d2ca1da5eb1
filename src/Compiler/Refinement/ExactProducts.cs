namespace Lorq.Refinement;

/// <summary>A product whose activations can be rounded.</summary>
/// <param name="Rounding">What rounding them loses, predicted; in any unit.</param>
/// <param name="Work">What computing it takes.</param>
internal readonly record struct RoundedProduct(double Rounding, double Work);

/// <summary>Finds the products that have to take their activations exactly so that rounding those of the rest loses no more than is allowed.</summary>
internal static class ExactProducts
{
    /// <summary>Files measured at most, the one without exact products included.</summary>
    private const int MaximumRounds = 5;

    /// <summary>Products measured alone at most: of a model with hundreds, the rest is left to the predictions.</summary>
    private const int MostSingles = 24;

    /// <summary>
    /// Predictions as shares of the whole, those that matter averaged with what is measured: a prediction misses what is special about a product, a measurement
    /// on few samples is noisy.
    /// </summary>
    /// <param name="products">The products as predicted.</param>
    /// <param name="allowed">Which share may remain.</param>
    /// <param name="measure">The share that a product loses alone. Asked by falling loss per work, until the rest is predicted to lose half of what may remain, at most 24 times.</param>
    public static RoundedProduct[] Corrected(IReadOnlyList<RoundedProduct> products, double allowed, Func<int, double> measure)
    {
        double left = products.Sum(p => p.Rounding);
        RoundedProduct[] shares = [.. products.Select(p => p with { Rounding = left > 0 ? p.Rounding / left : 1.0 / products.Count })];
        left = 1;
        foreach (int i in ByLossPerWork(shares).Take(MostSingles))
        {
            if (left <= allowed / 2)
            {
                break;
            }
            left -= shares[i].Rounding;
            shares[i] = shares[i] with { Rounding = (shares[i].Rounding + Math.Max(0, measure(i))) / 2 };
        }
        return shares;
    }

    /// <summary>
    /// Takes the products that lose most for their work first. Losses of roundings add up, but predictions are only right in relation to each
    /// other: how much they are worth is measured, after every choice again, until the measured loss is small enough. A choice that misses is followed by one that aims lower, since
    /// measured losses have noise of their own; the last aims at nothing.
    /// </summary>
    /// <param name="products">The products.</param>
    /// <param name="allowed">What rounding may lose.</param>
    /// <param name="measure">What rounding loses when these products are exact; asked at most five times.</param>
    /// <returns>Per product, whether it is exact.</returns>
    public static bool[] Choose(IReadOnlyList<RoundedProduct> products, double allowed, Func<bool[], double> measure)
    {
        var exact = new bool[products.Count];
        int[] order = ByLossPerWork(products);
        double left = products.Sum(p => p.Rounding);
        int next = 0;
        for (int round = 1; next < order.Length; round++)
        {
            double lost = measure(exact);
            if (lost <= allowed)
            {
                break;
            }
            double unit = lost / left;
            double aim = allowed * (MaximumRounds - round) / (MaximumRounds - 1);
            do
            {
                exact[order[next]] = true;
                left -= products[order[next]].Rounding;
                next++;
            } while (next < order.Length && (round == MaximumRounds || !(left * unit <= aim)));
        }
        return exact;
    }

    private static int[] ByLossPerWork(IReadOnlyList<RoundedProduct> products) =>
        [.. Enumerable.Range(0, products.Count).OrderByDescending(i => products[i].Rounding / products[i].Work)];
}
