using Lorq.Models;
using Lorq.Quantization;
using Lorq.Rewriting;
using Lorq.Sites;
using Lorq.Specs;

namespace Lorq.Menu;

/// <summary>Which grids and quantizers a site's menu offers: the spec's lists, limited to what the target can express.</summary>
public static class GridChoices
{
    /// <summary>The grids for a site, in a stable order.</summary>
    public static IReadOnlyList<QuantizationGrid> Grids(OnnxModel model, Site site, CompressionSpec spec, IEmission emission)
    {
        SiteOverride? own = spec.OverrideFor(site);
        IReadOnlyList<int> bits = own?.Bits ?? spec.Menu.Bits;
        IReadOnlyList<int> blocks = own?.Blocks ?? spec.Menu.Blocks;
        var grids = new List<QuantizationGrid>();
        foreach (int b in bits.Distinct().Order())
        {
            foreach (int block in Meaningful(blocks, site.K))
            {
                if (spec.Menu.Symmetry != Symmetry.Asymmetric)
                {
                    grids.Add(new(GridKind.Integer, b, block, true, spec.Menu.Scales));
                }
                if (spec.Menu.Symmetry != Symmetry.Symmetric)
                {
                    grids.Add(new(GridKind.Integer, b, block, false, spec.Menu.Scales));
                }
                if (spec.Menu.Codebooks && b <= 4)
                {
                    grids.Add(new(GridKind.NormalFloat, b, block, true, spec.Menu.Scales));
                }
            }
        }
        return [.. grids.Where(g => emission.Supports(model, site, g))];
    }

    /// <summary>The quantizers to try for a site; several when the spec names several, or without calibration.</summary>
    public static IReadOnlyList<IQuantizer> Methods(Site site, CompressionSpec spec, bool hasMoment)
    {
        IReadOnlyList<string> names = spec.OverrideFor(site)?.Methods ?? spec.Menu.Methods;
        if (names.Contains("auto"))
        {
            // Without a second moment GPTQ is plain rounding, so searching the clip or the zero point is what is left.
            names = hasMoment ? ["gptq-cd"] : ["mse", "hqq"];
        }
        IQuantizer[] chosen = [.. Quantizers.All.Where(q => names.Contains(q.Name) && (hasMoment || !q.NeedsCalibration))];
        return chosen.Length > 0 ? chosen : [.. Quantizers.All.Where(q => q.Name == "mse")];
    }

    /// <summary>A block that is not shorter than the column is the column itself: offer it once.</summary>
    private static IEnumerable<int> Meaningful(IReadOnlyList<int> blocks, int k) =>
        blocks.Select(b => b >= k ? 0 : b).Distinct().OrderBy(b => b == 0 ? int.MaxValue : b);
}
