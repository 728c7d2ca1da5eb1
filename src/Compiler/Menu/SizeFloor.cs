using Lorq.Diagnostics;
using Lorq.Models;
using Lorq.Sites;
using Lorq.Specs;

namespace Lorq.Menu;

/// <summary>A size that no file goes below, from shapes alone: a hopeless budget is refused before anything is measured.</summary>
internal static class SizeFloor
{
    /// <summary>What a file may lose with each weight besides its values: names, shapes, and nodes that go.</summary>
    private const int NodeBytes = 1024;

    /// <summary>Refuses a budget that the codes alone exceed.</summary>
    /// <param name="model">The model.</param>
    /// <param name="table">Its sites.</param>
    /// <param name="spec">The specification.</param>
    /// <exception cref="LorqException">LORQ0650: no menu of this spec has so small a file.</exception>
    public static void Require(OnnxModel model, SiteTable table, CompressionSpec spec)
    {
        if (spec.Budget is not null)
        {
            long rest = model.FileBytes - table.Sites.Sum(s => s.StoredBytes + NodeBytes);
            ByteBudget.Of(spec, model, table).Require(rest + (long)table.Sites.Sum(s => Least(s, spec)), isBound: true);
        }
    }

    /// <summary>Bytes of the fewest codes, or of the thinnest pair's right factor where the left one is shared.</summary>
    private static double Least(Site site, CompressionSpec spec)
    {
        SiteOverride? own = spec.OverrideFor(site);
        double codes = (double)site.Count * (own?.Bits ?? spec.Menu.Bits).Min() / 8;
        IEnumerable<double> pairs = (own?.Ranks ?? spec.Menu.Ranks)
            .Where(rank => rank > 0)
            .Select(rank => (double)rank * site.N * spec.Menu.FactorBits.Min() / 8);
        return Math.Max(pairs.Append(codes).Min(), (own?.MinBits ?? 0) * site.Count / 8);
    }
}
