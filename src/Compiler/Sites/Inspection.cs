using Lorq.Models;
using Lorq.Numerics;
using Lorq.Specs;

namespace Lorq.Sites;

/// <summary>One line of <c>lorq inspect</c>.</summary>
/// <param name="Name">The weight's name.</param>
/// <param name="Kind">Kind of site, or the operator that reads it.</param>
/// <param name="Shape">K×N for a site, the dimensions otherwise.</param>
/// <param name="Bytes">Bytes in the file.</param>
/// <param name="Share">Share of the file, 0…1.</param>
/// <param name="EffectiveRank">Effective rank of the matrix (see <see cref="Inspection.EffectiveRank"/>); null when not a site.</param>
/// <param name="Reason">Why it is left alone; empty for a site.</param>
public sealed record InspectionRow(string Name, string Kind, string Shape, long Bytes, double Share, double? EffectiveRank, string Reason);

/// <summary>What <c>lorq inspect</c> shows: every site with its spectrum in one figure, and every other weight with the reason.</summary>
public static class Inspection
{
    /// <summary>Inspects a model.</summary>
    public static IReadOnlyList<InspectionRow> Run(string path, CompressionSpec spec, CancellationToken cancellationToken)
    {
        using OnnxModel model = OnnxModel.Load(path, cancellationToken);
        SiteTable table = SiteFinder.Find(model, spec);
        double file = model.FileBytes;
        var rows = new InspectionRow[table.Sites.Count];
        Workers.Run(
            rows.Length,
            spec.Threads,
            i =>
            {
                Site s = table.Sites[i];
                string kind =
                    s.Uses.Count > 1 ? $"{string.Join('+', s.Uses.Select(u => u.Kind).Distinct())} ×{s.Uses.Count}" : s.Kind.ToString();
                string shape = s.Groups > 1 ? $"{s.K}×{s.N} in {s.Groups} groups" : $"{s.K}×{s.N}";
                rows[i] = new(s.Name, kind, shape, s.StoredBytes, s.StoredBytes / file, EffectiveRank(s.ReadWeight(), s.K, s.N), "");
            },
            cancellationToken
        );
        return
        [
            .. rows,
            .. table.LeftAlone.Select(a => new InspectionRow(
                a.Name,
                a.Node,
                string.Join('×', a.Shape),
                a.Bytes,
                a.Bytes / file,
                null,
                a.Reason
            )),
        ];
    }

    /// <summary>
    /// Effective rank as the participation ratio of the squared singular values, (Σσ²)² / Σσ⁴ = ‖W‖⁴_F / ‖WWᵀ‖²_F: 1 for a rank-one
    /// matrix, min(K, N) when all singular values are equal. It needs one product, no decomposition.
    /// </summary>
    public static double EffectiveRank(float[] weight, int k, int n)
    {
        int side = Math.Min(k, n);
        var gram = new float[side * side];
        // The Gram matrix of the shorter side: W·Wᵀ (K×K) or Wᵀ·W (N×N).
        var w = new MatrixView<float>(weight, k, n);
        (MatrixView<float> a, MatrixView<float> b) = k > n ? (w.Transposed, w) : (w, w.Transposed);
        Linear.Multiply(a, b, new MatrixView<float>(gram, side, side));
        double trace = 0;
        for (int i = 0; i < side; i++)
        {
            trace += gram[i * side + i];
        }
        double square = 0;
        foreach (float g in gram)
        {
            square += (double)g * g;
        }
        return square > 0 ? trace * trace / square : 0;
    }
}
