using Lorq.Calibration;
using Lorq.Decomposition;
using Lorq.Models;
using Lorq.Quantization;
using Lorq.Rewriting;
using Lorq.Sites;
using Lorq.Specs;

namespace Lorq.Tests.Rewriting;

/// <summary>
/// One weight at a time: every kind of reader, with a low-rank pair beside codes or alone, against the original graph with the sum in
/// place of the weight; and what is left of it after ONNX Runtime has loaded the file.
/// </summary>
public sealed class FactorFormTests : WorkFolder
{
    private static readonly QuantizationGrid FourBits = new(GridKind.Integer, 4, 16, false, ScaleType.Float16);
    private static readonly QuantizationGrid SixBits = new(GridKind.Integer, 6, 0, true, ScaleType.Float16);
    private static readonly QuantizationGrid Codebook = new(GridKind.NormalFloat, 3, 0, true, ScaleType.Float16);

    public static TheoryData<string, string> Cases()
    {
        var data = new TheoryData<string, string>();
        foreach (string name in FactorCases.Names)
        {
            data.Add(name, "ort");
            data.Add(name, "onnx");
            data.Add(name, "fused");
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_pair_beside_codes_adds_to_the_result(string name, string target)
    {
        foreach (QuantizationGrid grid in new[] { FourBits, SixBits, Codebook })
        {
            Check(name, target, grid);
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_pair_alone_takes_the_place_of_the_weight(string name, string target) => Check(name, target, null);

    [Theory]
    [InlineData("ort", "MatMul of rank 3", "Add,MatMul,MatMul,MatMulNBits")]
    [InlineData("onnx", "MatMul of rank 3", "Add,MatMul,MatMul,MatMulNBits")]
    [InlineData("fused", "MatMul of rank 3", "Add,MatMul,MatMul,MatMul")]
    [InlineData("ort", "Gemm transB with a bias", "Gemm,MatMul,MatMulNBits")]
    [InlineData("ort", "Gather of a list", "Gather,GatherBlockQuantized,Gemm")] // ONNX Runtime joins MatMul and Add
    public void A_branch_adds_its_products_and_nothing_else(string target, string name, string operators) =>
        Assert.Equal(operators, Loaded(name, target, FourBits));

    public static TheoryData<string, string> DecodedCases()
    {
        var data = new TheoryData<string, string>();
        string[] operators = ["MatMul of", "MatMul behind", "Gemm", "Gather"];
        foreach (object[] row in Cases())
        {
            if ((string)row[1] != "fused" || !operators.Any(((string)row[0]).StartsWith))
            {
                data.Add((string)row[0], (string)row[1]);
            }
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(DecodedCases))]
    public void A_pair_beside_codes_that_are_decoded_at_load_runs_nothing(string name, string target)
    {
        // The nodes of ONNX Runtime take no codebooks; the standard's DequantizeLinear does not either.
        string plain = Loaded(name, target, null, keep: true);
        Assert.Equal(plain, Loaded(name, target, Codebook));
    }

    [Theory]
    [InlineData("MatMul of rank 3", "MatMul,MatMul")]
    [InlineData("MatMul from the left", "MatMul,MatMul")]
    [InlineData("Experts", "MatMul,MatMul")]
    [InlineData("Gemm transB with a bias", "Gemm,MatMul")]
    [InlineData("Conv strides, pads, dilations", "Conv,Conv")]
    [InlineData("Gather of a list", "Gather,MatMul")]
    public void A_pair_alone_runs_two_products(string name, string operators)
    {
        Assert.Equal(operators, Loaded(name, "ort", null));
        Assert.Equal(operators, Loaded(name, "onnx", null));
    }

    [Theory]
    [InlineData("ort")]
    [InlineData("onnx")]
    [InlineData("fused")]
    public void Convolutions_in_groups_take_no_pair_alone(string target)
    {
        using OnnxModel model = FactorCases.Build("Conv in groups", 18).Model.Load(Folder);
        IEmission emission = Emissions.All.Single(e => e.Name == target);
        Site site = SiteFinder.Find(model, new CompressionSpec()).Sites.Single();
        Assert.False(emission.SupportsFactors(model, site, null));
        Assert.True(emission.SupportsFactors(model, site, FourBits));
        Assert.False(emission.SupportsSharedLeft(model, site, FourBits));
    }

    [Theory]
    [InlineData("ort")]
    [InlineData("onnx")]
    [InlineData("fused")]
    public void A_pair_alone_that_is_missing_is_refused(string target)
    {
        using OnnxModel model = FactorCases.Build("Gemm", 18).Model.Load(Folder);
        IEmission emission = Emissions.All.Single(e => e.Name == target);
        Site site = SiteFinder.Find(model, new CompressionSpec()).Sites.Single();
        var weight = new CompressedWeight(site, new Encoding.LowRank(), []);
        Assert.Throws<ArgumentException>(() => emission.Rewrite(model, [weight], CancellationToken.None));
    }

    private void Check(string name, string target, QuantizationGrid? grid)
    {
        (SmallModel small, Dictionary<string, DataTensor> feeds) = FactorCases.Build(name, 17);
        using OnnxModel model = small.Load(Folder);
        IEmission emission = Emissions.All.Single(e => e.Name == target);
        Site site = SiteFinder.Find(model, new CompressionSpec()).Sites.Single();
        if (grid is null && !emission.SupportsFactors(model, site, null))
        {
            Assert.True(site.Groups > 1 && site.Kind == SiteKind.Conv);
            return;
        }
        Assert.True(emission.SupportsFactors(model, site, grid));
        foreach (FactorType type in Enum.GetValues<FactorType>())
        {
            foreach (int rank in new[] { 1, 5, Math.Min(site.K, site.N) })
            {
                CompressedWeight weight = Weight(site, grid, new FactorShape(rank, type));
                string path = Reference.Write(Folder, model, emission, [weight], out long written, slack: 4);
                long bound = emission.BytesDelta(model, site, Reference.Shape(weight)) + emission.FixedBytes(model);
                Assert.InRange(bound + model.FileBytes - written, -4, 2500);
                Reference.Compare(Reference.Save(Folder, model, [weight]), path, feeds, 1e-5, Reference.ExactActivations);
            }
        }
    }

    private string Loaded(string name, string target, QuantizationGrid? grid, bool keep = false)
    {
        using OnnxModel model = FactorCases.Build(name, 18).Model.Load(Folder);
        Site site = SiteFinder.Find(model, new CompressionSpec()).Sites.Single();
        CompressedWeight weight = keep
            ? new CompressedWeight(site, new Encoding.Keep(), [])
            : Weight(site, grid, new FactorShape(3, FactorType.Int8));
        string path = Reference.Write(Folder, model, Emissions.All.Single(e => e.Name == target), [weight], out _);
        return string.Join(',', Reference.LoadedNodes(path).Select(n => n.OpType).Order(StringComparer.Ordinal));
    }

    private static CompressedWeight Weight(Site site, QuantizationGrid? grid, FactorShape factors)
    {
        FactorPair pair = Samples.Pair(factors, site.K, site.N, factors.Rank);
        return grid is null
            ? new CompressedWeight(site, new Encoding.LowRank(), [], pair)
            : new CompressedWeight(site, new Encoding.Quantized(grid), [Samples.Random(grid, site.K, site.N, 3)], pair);
    }
}
