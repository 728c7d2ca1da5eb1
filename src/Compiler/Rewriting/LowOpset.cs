using Lorq.Quantization;
using Lorq.Sites;

namespace Lorq.Rewriting;

/// <summary>What can be stored in a model whose opset is too old for the bit operators and cannot be raised: bytes and nibbles as the
/// readers take them, or bytes decoded by Cast, Sub and Mul.</summary>
internal static class LowOpset
{
    private const int SliceWithInputs = 10;
    private const int ExpandOpset = 8;

    /// <summary>True when the chains for this grid need nothing newer than the opset.</summary>
    /// <param name="opset">The opset there is.</param>
    /// <param name="site">The site.</param>
    /// <param name="grid">The grid.</param>
    /// <param name="nodeForm">True when quantized nodes read the codes; false when they are decoded to floating point.</param>
    public static bool Supports(long opset, Site site, QuantizationGrid grid, bool nodeForm)
    {
        if (nodeForm)
        {
            return grid.Bits is 4 or 8 && (grid.BlockSize != 0 || opset >= ExpandOpset);
        }
        bool evenBlocks = grid.BlockCount(site.K) == 1 || site.K % grid.BlockLength(site.K) == 0;
        return grid.Bits == 8 && (evenBlocks || opset >= SliceWithInputs);
    }
}
