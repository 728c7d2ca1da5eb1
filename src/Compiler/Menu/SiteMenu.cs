using Lorq.Caching;
using Lorq.Decomposition;
using Lorq.Quantization;
using Lorq.Rewriting;
using Lorq.Sites;

namespace Lorq.Menu;

/// <summary>One way to store a unit, with what it loses and what it costs.</summary>
/// <param name="Encoding">How it is stored.</param>
/// <param name="Quantizer">Who rounds; null for keep and fp16.</param>
/// <param name="Loss">Relative output error of the unit's site when only this unit is replaced: tr(EᵀHE)/tr(WᵀHW), measured.</param>
/// <param name="Bytes">Change of the written file against keeping the weight as it is; negative when it saves.</param>
/// <param name="Decomposer">Who finds the low-rank pair; null without one.</param>
/// <param name="Factors">The pair; null without one.</param>
public sealed record Candidate(
    Encoding Encoding,
    IQuantizer? Quantizer,
    double Loss,
    long Bytes,
    IDecomposer? Decomposer = null,
    FactorShape? Factors = null
)
{
    /// <summary>A name that tells it from every other candidate of its menu, for example <c>4b·32 gptq-cd + r16·f8 exact</c>.</summary>
    public string Name =>
        $"{Encoding}{(Quantizer is null ? "" : " " + Quantizer.Name)}{(Factors is null ? "" : $" + {Factors} {Decomposer!.Name}")}";

    /// <summary>The grid, or null for keep and fp16.</summary>
    public QuantizationGrid? Grid => (Encoding as Encoding.Quantized)?.Grid;
}

/// <summary>
/// The menu of one unit: a whole site, or a run of columns of it (rows of an embedding table) that may have a grid of its own.
/// </summary>
/// <param name="Site">The site.</param>
/// <param name="Start">First column.</param>
/// <param name="Columns">Number of columns.</param>
/// <param name="Candidates">What can be chosen; "keep" is always there for whole sites, unless bits are limited.</param>
public sealed record SiteMenu(Site Site, int Start, int Columns, IReadOnlyList<Candidate> Candidates)
{
    /// <summary>Relative output error of the best replacement of rank 0, 1, 2, … without codes; empty where low rank was not looked at.</summary>
    public IReadOnlyList<double> Spectrum { get; init; } = [];

    /// <summary>Time that the menu took; a part of a table has its share of the table's.</summary>
    public TimeSpan Elapsed { get; init; }

    /// <summary>True when the unit is the whole site.</summary>
    public bool IsWhole => Columns == Site.N;

    /// <summary>The site's name, with the column range when it is a part.</summary>
    public string Name => IsWhole ? Site.Name : $"{Site.Name}[{Start}..{Start + Columns})";
}

/// <summary>A chosen candidate per menu, in the order of the menus.</summary>
/// <param name="Menus">The menus.</param>
/// <param name="Chosen">Index of the candidate per menu.</param>
public sealed record Plan(IReadOnlyList<SiteMenu> Menus, IReadOnlyList<int> Chosen)
{
    /// <summary>The candidate chosen for menu i.</summary>
    public Candidate this[int i] => Menus[i].Candidates[Chosen[i]];

    /// <summary>True when a low-rank pair is chosen anywhere.</summary>
    public bool HasPairs => Enumerable.Range(0, Menus.Count).Any(i => this[i].Factors is not null);

    /// <summary>Σ ω·ℓ, with ω per site name; 1 for sites that are not in it.</summary>
    public double Loss(IReadOnlyDictionary<string, double> omega) =>
        Menus.Select((m, i) => this[i].Loss * omega.GetValueOrDefault(m.Site.Name, 1)).Sum();

    /// <summary>A digest of every unit and what is chosen for it.</summary>
    public Digest Digest
    {
        get
        {
            var hash = new ContentHash();
            for (int i = 0; i < Menus.Count; i++)
            {
                hash.Add(Menus[i].Name).Add(this[i].Name).Add(this[i].Factors?.SharedBy ?? "");
            }
            return hash.Finish();
        }
    }
}
