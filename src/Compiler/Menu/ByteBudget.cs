using System.Globalization;
using Lorq.Diagnostics;
using Lorq.Models;
using Lorq.Sites;
using Lorq.Specs;

namespace Lorq.Menu;

/// <summary>A budget as a number of bytes of the whole file, and as the user wrote it.</summary>
/// <param name="Text">As written.</param>
/// <param name="Bytes">Bytes of the file, external data included.</param>
public sealed record ByteBudget(string Text, long Bytes)
{
    /// <summary>More than any file has; a quarter of the range, so that sums stay in it.</summary>
    private const long Unlimited = long.MaxValue / 4;

    /// <summary>Weights of all sites.</summary>
    private double Weights { get; init; }

    /// <summary>Bytes of the file that are no site's.</summary>
    private long Rest { get; init; }

    /// <summary>True when every size is allowed.</summary>
    public bool IsUnlimited => Bytes == Unlimited;

    /// <summary>Refuses a budget below a size that no file goes below.</summary>
    /// <param name="smallest">That size.</param>
    /// <param name="isBound">True when even that may be out of reach.</param>
    /// <exception cref="LorqException">LORQ0650: the budget is smaller.</exception>
    public void Require(long smallest, bool isBound)
    {
        if (Bytes < smallest)
        {
            string own = Text == Bytes.ToString(CultureInfo.InvariantCulture) ? "" : $" ({Text})";
            // Rounded up: a budget of that many bits is large enough.
            double bits = Math.Ceiling(8000 * (smallest - Rest) / Weights) / 1000;
            string size = string.Create(CultureInfo.InvariantCulture, $"{smallest} bytes ({bits:0.###}bpw)");
            throw Catalogue.BudgetTooSmall.With($"{Bytes} bytes{own}", isBound ? $"at least {size}" : size);
        }
    }

    /// <summary>Works a spec's budget out for a model; with a loss limit alone every size is allowed.</summary>
    public static ByteBudget Of(CompressionSpec spec, OnnxModel model, SiteTable table)
    {
        if (spec is { Budget: null, MaxLoss: { } limit })
        {
            return new ByteBudget(FormattableString.Invariant($"loss ≤ {limit}"), Unlimited);
        }
        SizeBudget budget = spec.Budget ?? throw new ArgumentException("The spec has no budget.", nameof(spec));
        double weights = table.Sites.Sum(s => (double)s.Count);
        long rest = model.FileBytes - table.Sites.Sum(s => s.StoredBytes);
        long bytes = budget switch
        {
            SizeBudget.Percent p => (long)(model.FileBytes * p.Value / 100),
            SizeBudget.Bytes b => b.Value,
            // What is not compressed stays; the average is over the weights of the sites.
            SizeBudget.BitsPerWeight b => rest + (long)(weights * b.Value / 8),
            _ => throw new ArgumentException($"Unknown budget {budget}.", nameof(spec)),
        };
        return new ByteBudget(budget.ToString(), bytes) { Weights = weights, Rest = rest };
    }
}
